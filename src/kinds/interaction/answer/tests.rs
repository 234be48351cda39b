//! Answers of both protocols, as the vendors' documents and programs have them, and what is read in them.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};

use super::*;

const OWN: &str = "c59f68d7-a1ff-416a-aa6e-09f978973a8a";

fn read(method: &Method, path: &str, status: u16, body: &str) -> Result<Answer, Unreadable> {
    let wire = match path.starts_with("/icws/") {
        true => Wire::Icws,
        false => Wire::Webtools,
    };
    let operation = Operation::of(wire, method, path).unwrap();
    let media = Media::of(&HeaderMap::new());
    Answer::read(wire, &operation, status, &media, body.as_bytes())
}

fn start(body: &str) -> Result<Answer, Unreadable> {
    read(&Method::POST, "/websvcs/chat/start", 200, body)
}

fn poll(body: &str) -> Result<Answer, Unreadable> {
    read(
        &Method::GET,
        &format!("/WebSvcs/chat/poll/{OWN}"),
        200,
        body,
    )
}

fn id(text: &str) -> Option<Id> {
    Id::new(text)
}

/// In the shape of the Developer's Guide, "Common Response Format": every field there can be.
const EVERYTHING: &str = r#"{"chat": {
    "pollWaitSuggestion": 1000, "cfgVer": 1,
    "events": [
        {"type": "participantStateChanged", "participantID": "f9580ef2-1270-4182-a429-c3c0d957bf2a", "sequenceNumber": 0,
         "state": "active", "participantName": "John Doe", "participantType": "Agent"},
        {"type": "text", "participantID": "f9580ef2-1270-4182-a429-c3c0d957bf2a", "sequenceNumber": 1,
         "conversationSequenceNumber": 1, "contentType": "text/plain", "value": "state: disconnected"},
        {"type": "typingIndicator", "participantID": "f9580ef2-1270-4182-a429-c3c0d957bf2a", "sequenceNumber": 2, "value": true},
        {"type": "participantStateChanged", "participantID": "f9580ef2-1270-4182-a429-c3c0d957bf2a", "sequenceNumber": 3,
         "state": "disconnected", "participantName": "John Doe"}
    ],
    "participantID": "c59f68d7-a1ff-416a-aa6e-09f978973a8a", "chatID": "1d2a73b0-0b0c-4b0e-a1cf-4f2fd71ac7f5",
    "dateFormat": "M/d/yyyy", "timeFormat": "h:mm:ss tt",
    "status": {"type": "success"}
}}"#;

#[test]
fn a_start_tells_both_ids_and_an_agent_who_leaves_ends_nothing() {
    let answer = start(EVERYTHING).unwrap();
    assert!(answer.is_success() && !answer.ended && !answer.unknown_session);
    assert_eq!(answer.interaction, Some(Interaction::Chat));
    assert_eq!(answer.id, id("1D2A73B0-0B0C-4B0E-A1CF-4F2FD71AC7F5"));
    assert_eq!(answer.participant, id(OWN));
}

#[test]
fn the_visitors_own_leaving_ends_the_chat_in_every_form() {
    for body in [
        format!(
            r#"{{"chat":{{"status":{{"type":"success"}},"events":[{{"type":"participantStateChanged","participantID":"{OWN}","state":"disconnected"}}]}}}}"#
        ),
        format!(
            "<chat><status><type>success</type></status><events><event><type>participantStateChanged</type>\
            <participantID>{OWN}</participantID><state>disconnected</state></event></events></chat>"
        ),
        format!(
            "<chat><status type='success'/><events><event type='text' value='x'/>\
            <event type='participantStateChanged' participantID='{OWN}' state='Disconnected'/></events></chat>"
        ),
        format!(
            "<w:chat xmlns:w='u'><w:status w:type='success'/><w:events w:type='participantStateChanged' \
            w:participantID='{{{}}}' w:state='disconnected'/></w:chat>",
            OWN.to_ascii_uppercase()
        ),
    ] {
        let answer = poll(&body).unwrap();
        assert!(answer.is_success() && answer.ended, "{body}");
    }
}

#[test]
fn only_the_last_word_about_the_visitor_counts() {
    let events = |states: &[(&str, &str)]| {
        let event = |(whose, state): &(&str, &str)| {
            format!(
                r#"{{"type":"participantStateChanged","participantID":"{whose}","state":"{state}"}}"#
            )
        };
        let events: Vec<_> = states.iter().map(event).collect();
        let events = events.join(",");
        poll(&format!(
            r#"{{"chat":{{"events":[{events}],"status":{{"type":"success"}}}}}}"#
        ))
        .unwrap()
    };
    let system = "00000000-0000-0000-0000-000000000000";
    for (states, ended) in [
        (&[][..], false),
        (&[(OWN, "active")][..], false),
        (&[(OWN, "disconnected")][..], true),
        (
            &[("agent", "disconnected"), (OWN, "disconnected")][..],
            true,
        ),
        (
            &[("agent", "disconnected"), (system, "disconnected")][..],
            false,
        ),
        (&[(OWN, "disconnected"), (OWN, "active")][..], false),
        (
            &[(OWN, "active"), (OWN, "disconnected"), ("agent", "active")][..],
            true,
        ),
        (&[("", "disconnected")][..], false),
    ] {
        assert_eq!(events(states).ended, ended, "{states:?}");
    }
    let said = format!(
        r#"{{"chat":{{"events":[{{"type":"text","participantID":"{OWN}","state":"disconnected"}}],"status":{{"type":"success"}}}}}}"#
    );
    assert!(!poll(&said).unwrap().ended);
}

#[test]
fn a_failure_has_its_reason_and_only_the_session_ends_a_chat() {
    for (reason, unknown) in [
        ("error.websvc.unknownEntity.session", true),
        ("error.websvc.unknownentity.SESSION", true),
        ("error.websvc.unknownEntity.participant", false),
        ("error.websvc.unavailable", false),
        ("error.websvc.entity.notconnected", false),
    ] {
        for body in [
            format!(r#"{{"chat":{{"status":{{"type":"failure","reason":"{reason}"}}}}}}"#),
            format!("<chat><status><type>failure</type><reason>{reason}</reason></status></chat>"),
            format!("<chat><status type='failure' reason='{reason}'/></chat>"),
            format!(
                r#"{{"chat":{{"status":{{"type":"failure","type":"failure","reason":"x","reason":"{reason}"}}}}}}"#
            ),
        ] {
            let answer = poll(&body).unwrap();
            assert_eq!(answer.unknown_session, unknown, "{body}");
            let Outcome::Failure(read) = answer.outcome else {
                panic!("{body} is no failure")
            };
            assert_eq!(read.as_str(), reason);
        }
    }
}

#[test]
fn a_reason_is_fit_for_a_log() {
    let body =
        r#"{"chat":{"status":{"type":"failure","reason":"a\r\nb \u001b[0m\u202e<c>.D-e_9"}}}"#;
    let Outcome::Failure(reason) = poll(body).unwrap().outcome else {
        panic!("it is a failure")
    };
    assert_eq!(reason.as_str(), "ab0mc.D-e_9");
    let body = format!(
        r#"{{"chat":{{"status":{{"type":"failure","reason":"{}"}}}}}}"#,
        "r".repeat(9000)
    );
    let Outcome::Failure(reason) = poll(&body).unwrap().outcome else {
        panic!("it is a failure")
    };
    assert_eq!(reason.as_str().len(), 128);
}

#[test]
fn a_status_beside_200_is_no_success_and_some_leave_a_start_in_doubt() {
    for (status, in_doubt) in [
        (301, false),
        (400, false),
        (404, false),
        (429, false),
        (500, true),
        (502, true),
        (503, false),
        (504, true),
    ] {
        let answer = read(&Method::POST, "/websvcs/chat/start", status, EVERYTHING).unwrap();
        assert_eq!(answer.outcome, Outcome::Status(status));
        assert_eq!(answer.is_in_doubt(), in_doubt, "{status}");
        assert_eq!(answer.id, None);
    }
}

#[test]
fn the_life_of_a_callback() {
    let created = r#"{"callback":{"participantID":"p1","callbackID":"b1","userIdentityID":"u1","status":{"type":"success"}}}"#;
    let answer = read(&Method::POST, "/websvcs/callback/create", 200, created).unwrap();
    assert_eq!(answer.interaction, Some(Interaction::Callback));
    assert_eq!((answer.id, answer.participant), (id("b1"), id("p1")));
    let status = |state: &str| {
        format!(
            r#"{{"callback":{{"participantID":"p1","callbackID":"b1","assignedAgent":{{"name":"","participantID":"p9"}},
            "acdStatus":{{"queueWaitTime":4,"interactionState":"{state}","queuePosition":1}},"status":{{"type":"success"}}}}}}"#
        )
    };
    for (state, ended) in [
        ("Initializing", false),
        ("Offering", false),
        ("Connected", false),
        ("Disconnected", true),
        ("disconnected", true),
    ] {
        let answer = read(
            &Method::GET,
            "/websvcs/callback/status/p1",
            200,
            &status(state),
        )
        .unwrap();
        assert_eq!(answer.ended, ended, "{state}");
        assert_eq!(answer.participant, id("p1"), "{state}");
    }
    let done = r#"{"callback":{"status":{"type":"success"}}}"#;
    assert!(
        read(&Method::POST, "/websvcs/callback/disconnect/p1", 200, done)
            .unwrap()
            .ended
    );
    let chat = r#"{"chat":{"interactionState":"disconnected","status":{"type":"success"}}}"#;
    assert!(!poll(chat).unwrap().ended);
    assert!(
        !read(&Method::GET, "/websvcs/callback/status/p1", 200, done)
            .unwrap()
            .ended
    );
}

#[test]
fn an_exit_ends_only_when_it_succeeds() {
    let exit = format!("/websvcs/chat/exit/{OWN}");
    let success = r#"{"chat":{"pollWaitSuggestion":1000,"status":{"type":"success"}}}"#;
    assert!(read(&Method::POST, &exit, 200, success).unwrap().ended);
    let failure = r#"{"chat":{"status":{"type":"failure","reason":"error.websvc.unknownEntity.participant"}}}"#;
    assert!(!read(&Method::POST, &exit, 200, failure).unwrap().ended);
    assert!(!read(&Method::POST, &exit, 503, success).unwrap().ended);
}

#[test]
fn the_partys_envelope_may_say_that_the_session_is_gone() {
    let body = r#"{"partyInfo":{"status":{"type":"failure","reason":"error.websvc.unknownEntity.session"}}}"#;
    let answer = read(&Method::POST, "/websvcs/partyInfo/p1", 200, body).unwrap();
    assert!(answer.unknown_session);
    assert_eq!(answer.interaction, None);
    let body = r#"{"partyInfo":{"name":"Bob","photo":null,"status":{"type":"success"}}}"#;
    assert!(
        read(&Method::POST, "/websvcs/partyInfo/p1", 200, body)
            .unwrap()
            .is_success()
    );
}

#[test]
fn the_server_says_what_was_started() {
    let body = r#"{"callback":{"participantID":"p","callbackID":"b","status":{"type":"success"}}}"#;
    let answer = start(body).unwrap();
    assert_eq!(answer.interaction, Some(Interaction::Callback));
    assert_eq!(answer.id, id("b"));
    let both = r#"{"chat":{"chatID":"c","status":{"type":"success"}},"callback":{"callbackID":"b","status":{"type":"success"}}}"#;
    assert_eq!(start(both).unwrap().id, id("c"));
    let answer = read(&Method::POST, "/websvcs/callback/create", 200, both);
    assert_eq!(answer.unwrap().id, id("b"));
}

#[test]
fn what_says_nothing_of_use_is_unreadable() {
    use super::super::Dialect::{Json, Xml};
    for (body, why) in [
        ("", Unreadable::Empty),
        ("\u{feff} \n", Unreadable::Empty),
        ("pong", Unreadable::UnknownForm),
        (
            "<html><body><p>x</p></body></html>",
            Unreadable::NotAnAnswer,
        ),
        ("<!DOCTYPE html><html></html>", Unreadable::Entities),
        ("{}", Unreadable::NotAnAnswer),
        ("[]", Unreadable::NotAnAnswer),
        (r#"{"chat":null}"#, Unreadable::NotAnAnswer),
        (r#"{"chat":{}}"#, Unreadable::NotAnAnswer),
        (r#"{"chat":{"chatID":"c""#, Unreadable::Malformed(Json)),
        ("<chat><chatID>c</chatID>", Unreadable::Malformed(Xml)),
        (
            r#"{"chat":{"participantID":"p","status":{"type":"success"}}}"#,
            Unreadable::NoId,
        ),
        (
            r#"{"chat":{"chatID":{},"status":{"type":"success"}}}"#,
            Unreadable::NoId,
        ),
    ] {
        assert_eq!(start(body), Err(why), "{body}");
    }
    let long = format!(
        r#"{{"chat":{{"chatID":"{}","status":{{"type":"success"}}}}}}"#,
        "c".repeat(300)
    );
    assert_eq!(start(&long), Err(Unreadable::NoId));
    let large = format!("{{\"chat\": \"{}\"}}", "x".repeat(MAX_BODY_BYTES));
    assert_eq!(start(&large), Err(Unreadable::TooLarge));
}

#[test]
fn the_media_type_stands_above_the_first_character() {
    let operation = Operation::Start(Interaction::Chat);
    let media = |value: &str| {
        let headers = [(CONTENT_TYPE, value.parse().unwrap())];
        Media::of(&headers.into_iter().collect::<HeaderMap>())
    };
    let body = EVERYTHING.as_bytes();
    for (value, is_read) in [
        ("application/json", true),
        ("text/plain", true),
        ("application/xml", false),
    ] {
        let answer = Answer::read(Wire::Webtools, &operation, 200, &media(value), body);
        assert_eq!(answer.is_ok(), is_read, "{value}");
    }
    let latin = b"{\"chat\": {\"chatID\": \"\xe9\"}}";
    let answer = Answer::read(
        Wire::Webtools,
        &operation,
        200,
        &media("application/json"),
        latin,
    );
    assert_eq!(answer, Err(Unreadable::NotUtf8));
}

#[test]
fn a_chat_of_icws() {
    let started = r#"{"__type":"urn:inin.com:webChat:startChatResponse","pollWaitSuggestion":"2000","participantId":"p1","chatId":"c1"}"#;
    let answer = read(&Method::POST, "/icws/web-chat/start", 200, started).unwrap();
    assert!(answer.is_success());
    assert_eq!((answer.id, answer.participant), (id("c1"), id("p1")));
    for (path, body, ended) in [
        (
            "messages",
            r#"{"pollWaitSuggestion":"2000","messages":[]}"#,
            false,
        ),
        (
            "messages",
            r#"{"messages":[{"__type":"urn:inin.com:webChat:chatParticipantStateChangedMessage","participantId":"p1","state":2}]}"#,
            false,
        ),
        (
            "messages",
            r#"{"messages":[{"__type":"urn:inin.com:webChat:chatParticipantStateChangedMessage","participantId":"p1","state":4}]}"#,
            true,
        ),
        (
            "messages",
            r#"{"messages":[{"__type":"urn:inin.com:webChat:chatParticipantStateChangedMessage","participantId":"p2","state":4},
                {"__type":"urn:inin.com:webChat:chatTextMessage","participantId":"p1","value":"x"}]}"#,
            false,
        ),
        (
            "poll",
            r#"{"pollWaitSuggestion":2000,"events":[{"type":"participantStateChanged","participantId":"p1","state":"disconnected"}]}"#,
            true,
        ),
    ] {
        let answer = read(
            &Method::GET,
            &format!("/icws/web-chat/{path}/p1"),
            200,
            body,
        )
        .unwrap();
        assert!(answer.is_success());
        assert_eq!(answer.ended, ended, "{body}");
    }
    let answer = read(&Method::POST, "/icws/web-chat/exit/p1", 204, "").unwrap();
    assert!(answer.is_success() && answer.ended);
    let answer = read(&Method::POST, "/icws/web-chat/send-message/p1", 204, "").unwrap();
    assert!(answer.is_success() && !answer.ended);
    let answer = read(&Method::POST, "/icws/web-chat/reconnect", 204, "").unwrap();
    assert!(answer.is_success() && answer.id.is_none());
    let answer = read(&Method::POST, "/icws/web-chat/start", 204, "");
    assert_eq!(answer, Err(Unreadable::NoId));
}

#[test]
fn a_callback_of_icws() {
    let created = r#"{"__type":"urn:inin.com:webCallback:callbackCreateResponse","participantID":"p1","callbackID":"b1"}"#;
    let answer = read(&Method::POST, "/icws/web-callback/create", 200, created).unwrap();
    assert_eq!(answer.interaction, Some(Interaction::Callback));
    assert_eq!((answer.id, answer.participant), (id("b1"), id("p1")));
    for (body, ended) in [
        (
            r#"{"state":"Queued","queueWaitTime":42,"queuePosition":3}"#,
            false,
        ),
        (r#"{"state":"Disconnected"}"#, true),
    ] {
        let answer = read(&Method::GET, "/icws/web-callback/status/p1", 202, body).unwrap();
        assert!(answer.is_success());
        assert_eq!(answer.ended, ended, "{body}");
    }
}

#[test]
fn a_failure_of_icws_is_its_error_id() {
    let error = |id: &str| {
        format!(r#"{{"errorId":"{id}","errorCode":0,"message":"The participant is unknown."}}"#)
    };
    for (status, body, unknown, has_reason) in [
        (
            400,
            error("error.request.webChat.invalidParticipantId"),
            true,
            true,
        ),
        (
            400,
            error("error.request.webChat.invalidChatId"),
            true,
            true,
        ),
        (
            400,
            error("error.request.webCallback.invalidCallbackId"),
            true,
            true,
        ),
        (400, error("error.request.malformed"), false, true),
        (410, error("error.request.deprecated"), false, true),
        (400, "<html>".to_owned(), false, false),
        (404, String::new(), false, false),
        (
            500,
            error("error.request.webChat.invalidParticipantId"),
            false,
            false,
        ),
        (503, error("error.server.unavailable"), false, false),
    ] {
        let answer = read(&Method::GET, "/icws/web-chat/messages/p1", status, &body).unwrap();
        assert_eq!(answer.unknown_session, unknown, "{status} {body}");
        match answer.outcome {
            Outcome::Failure(_) => assert!(has_reason, "{status} {body}"),
            Outcome::Status(read) => assert!(!has_reason && read == status, "{status} {body}"),
            Outcome::Success => panic!("{status} is no success"),
        }
    }
}
