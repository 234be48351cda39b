//! The same facts read the same as JSON, as XML in every style, and in every coding.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::coding::tests::every_coding;
use super::super::*;

const OWN: &str = "0f3c9a52-6a0e-4d53-8f34-54d5a5f8f0c1";
const STATES: [&str; 4] = ["active", "held", "disconnected", "Disconnected"];
const REASONS: [&str; 4] = [
    "error.websvc.unknownEntity.session",
    "error.websvc.unknownEntity.participant",
    "error.websvc.unavailable",
    "",
];

/// How a document is written.
#[derive(Debug, Clone, Copy)]
struct Style {
    attributes: bool,
    prefix: &'static str,
    items: &'static str,
}

const STYLES: [Style; 4] = [
    Style {
        attributes: false,
        prefix: "",
        items: "event",
    },
    Style {
        attributes: true,
        prefix: "",
        items: "event",
    },
    Style {
        attributes: false,
        prefix: "w:",
        items: "item",
    },
    Style {
        attributes: true,
        prefix: "w:",
        items: "participantStateChanged",
    },
];

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' => escaped.push(character),
            other => escaped.push_str(&format!("&#{};", u32::from(other))),
        }
    }
    escaped
}

fn element(name: &str, value: &Value, style: Style) -> String {
    let Style {
        attributes,
        prefix,
        items,
    } = style;
    let text = match value {
        Value::Null => return format!("<{prefix}{name} nil=\"true\"/>"),
        Value::Array(list) => {
            let list: String = list
                .iter()
                .map(|item| element(items, item, style))
                .collect();
            return format!("<{prefix}{name}>{list}</{prefix}{name}>\n");
        }
        Value::Object(fields) => {
            let is_attribute =
                |value: &Value| attributes && (value.is_string() || value.is_number());
            let mut head = String::new();
            let mut inside = String::new();
            for (field, value) in fields {
                match value {
                    Value::String(text) if is_attribute(value) => {
                        head.push_str(&format!(" {prefix}{field}='{}'", escaped(text)));
                    }
                    Value::Number(number) if is_attribute(value) => {
                        head.push_str(&format!(" {prefix}{field}='{number}'"));
                    }
                    _ => inside.push_str(&element(field, value, style)),
                }
            }
            return format!("<{prefix}{name}{head}>{inside}</{prefix}{name}>\n");
        }
        Value::String(text) => escaped(text),
        other => other.to_string(),
    };
    format!("<{prefix}{name}>{text}</{prefix}{name}>")
}

/// The JSON's one field becomes the top element.
fn document(answer: &Value, style: Style) -> String {
    let (name, inside) = answer.as_object().unwrap().iter().next().unwrap();
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let element = element(name, inside, style);
    let from = format!("{}{name}", style.prefix);
    head.to_owned() + &element.replacen(&from, &format!("{from} xmlns:w='urn:x'"), 1)
}

fn media(content_type: &str, coding: &str) -> Media {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
    headers.insert(CONTENT_ENCODING, coding.parse().unwrap());
    Media::of(&headers)
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(OWN.to_owned()),
        Just(OWN.to_ascii_uppercase()),
        "[a-zA-Z0-9{}&<é-]{1,20}",
        Just(String::new()),
    ]
}

fn event() -> impl Strategy<Value = Value> {
    let kinds = &["participantStateChanged", "text", "typingIndicator"][..];
    let fields = (
        prop::sample::select(kinds),
        id(),
        prop::sample::select(&STATES[..]),
    );
    let fields = (fields, any::<u32>(), "[ -~]{0,12}");
    fields.prop_map(|((kind, participant, state), number, text)| {
        json!({"type": kind, "participantID": participant, "sequenceNumber": number, "state": state, "value": text})
    })
}

fn answer() -> impl Strategy<Value = Value> {
    let events = proptest::collection::vec(event(), 0..5);
    let reason = prop::option::of(prop::sample::select(&REASONS[..]));
    let rest = (
        prop::option::of(id()),
        prop::option::of(id()),
        any::<bool>(),
    );
    (events, reason, rest, prop::sample::select(&STATES[..])).prop_map(
        |(events, reason, (own, whole, chat), state)| {
            let mut fields = Map::new();
            fields.insert("pollWaitSuggestion".into(), 2000.into());
            fields.insert("photo".into(), Value::Null);
            if let Some(own) = own {
                fields.insert("participantID".into(), own.into());
            }
            if let Some(whole) = whole {
                let name = if chat { "chatID" } else { "callbackID" };
                fields.insert(name.into(), whole.into());
            }
            if chat {
                fields.insert("events".into(), events.into());
            } else {
                fields.insert(
                    "acdStatus".into(),
                    json!({"queuePosition": 1, "interactionState": state}),
                );
            }
            let status = match reason {
                None => json!({"type": "success"}),
                Some(reason) => json!({"type": "failure", "reason": reason}),
            };
            fields.insert("status".into(), status);
            json!({ if chat { "chat" } else { "callback" }: fields })
        },
    )
}

fn operations() -> [Operation; 4] {
    let of = |method, path: String| Operation::of(Wire::Webtools, &method, &path).unwrap();
    [
        of(Method::POST, "/websvcs/chat/start".to_owned()),
        of(Method::GET, format!("/websvcs/chat/poll/{OWN}")),
        of(Method::POST, format!("/websvcs/chat/exit/{OWN}")),
        of(Method::GET, format!("/websvcs/callback/status/{OWN}")),
    ]
}

proptest! {
    #[test]
    fn json_and_xml_of_the_same_answer_read_the_same(answer in answer()) {
        for operation in operations() {
            let read = |media: &Media, body: &str| {
                Answer::read(Wire::Webtools, &operation, 200, media, body.as_bytes())
            };
            let as_json = read(&media("application/json", ""), &answer.to_string());
            for style in STYLES {
                let text = document(&answer, style);
                let as_xml = read(&media("text/xml; charset=utf-8", ""), &text);
                prop_assert_eq!(&as_xml, &as_json, "{} {}", text, answer);
            }
        }
    }

    #[test]
    fn a_compressed_answer_reads_as_the_answer(answer in answer()) {
        let body = answer.to_string();
        for operation in operations() {
            let plain = Answer::read(Wire::Webtools, &operation, 200, &media("application/json", ""), body.as_bytes());
            for (coding, bytes) in every_coding(body.as_bytes()) {
                let media = media("application/json", coding);
                let read = Answer::read(Wire::Webtools, &operation, 200, &media, &bytes);
                prop_assert_eq!(&read, &plain, "{}", coding);
            }
        }
    }

    #[test]
    fn json_and_xml_of_the_same_request_read_the_same(
        name in prop::option::of("[ -~é]{0,12}"),
        credentials in prop::option::of(prop_oneof!["[ -~]{0,8}", Just("true".to_owned()), Just(String::new())]),
        chat in prop::option::of(id()),
    ) {
        let mut participant = Map::new();
        participant.extend(name.map(|name| ("name".to_owned(), Value::from(name))));
        participant.extend(credentials.map(|text| ("credentials".to_owned(), Value::from(text))));
        let mut request = json!({"target": "Sales", "participant": participant});
        if let Some(chat) = chat {
            request["chatID"] = chat.into();
        }
        let json_media = media("application/json", "");
        let body = request.to_string();
        let asked = Asked::read(&json_media, body.as_bytes());
        let rejoin = Rejoin::read(Interaction::Chat, &json_media, body.as_bytes());
        for style in STYLES {
            let text = document(&json!({ "chat": request }), style);
            let media = media("application/xml", "");
            let has_participant = !request["participant"].as_object().unwrap().is_empty();
            // An element with nothing in it is no object: XML cannot say `{}`.
            if has_participant {
                prop_assert_eq!(&Asked::read(&media, text.as_bytes()), &asked, "{}", text);
            }
            prop_assert_eq!(&Rejoin::read(Interaction::Chat, &media, text.as_bytes()), &rejoin, "{}", text);
        }
    }
}
