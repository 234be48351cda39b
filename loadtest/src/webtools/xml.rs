//! The XML form of a Web Tools value: the names of the JSON fields as elements, the items of a list as children.
//!
//! No listing of the vendor's XML is public, so there are two plain mappings of its JSON, [`Style`]; only the top element
//! and the field names are facts. A reader should take both. A field whose JSON value is `null` is an empty element with
//! `nil="true"`.
//!
//! ```
//! # use serde_json::json;
//! let body = "<chat><message>a &amp; b</message></chat>";
//! assert_eq!(loadtest::webtools::xml::read(body), Some(json!({"message": "a & b"})));
//! ```

use std::fmt::Write;

use serde_json::{Map, Value};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// Deepest nesting that is read; a request needs four.
const MAX_DEPTH: usize = 32;

/// Names of the children of a list, by the name of the list.
const ITEMS: [(&str, &str); 6] = [
    ("events", "event"),
    ("common", "capability"),
    ("chat", "capability"),
    ("callback", "capability"),
    ("queueQuery", "capability"),
    ("routingContexts", "routingContext"),
];

/// Where fields that are a text, a number or a truth value are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// `<chat><cfgVer>1</cfgVer></chat>`
    #[default]
    Elements,
    /// `<chat cfgVer="1"/>`
    Attributes,
}

/// Writes a value as a document. A list of one configuration becomes that configuration's element.
pub fn write(answer: &Value, style: Style) -> String {
    let mut text = String::from(HEAD);
    let top = match answer {
        Value::Array(items) => items.first().unwrap_or(&Value::Null),
        other => other,
    };
    content(&mut text, top, style);
    text
}

fn content(text: &mut String, value: &Value, style: Style) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                element(text, name, value, style);
            }
        }
        Value::Array(items) => {
            for item in items {
                element(text, "item", item, style);
            }
        }
        scalar => escape(text, &plain(scalar), false),
    }
}

fn element(text: &mut String, name: &str, value: &Value, style: Style) {
    // Writing into a String cannot fail, so the results carry nothing.
    if value.is_null() {
        let _ = write!(text, "<{name} nil=\"true\"/>");
        return;
    }
    let _ = write!(text, "<{name}");
    match (value, style) {
        (Value::Array(items), _) => {
            text.push('>');
            let named = ITEMS.iter().find(|(list, _)| *list == name);
            for item in items {
                element(text, named.map_or("item", |(_, item)| item), item, style);
            }
        }
        (Value::Object(fields), Style::Attributes) => {
            for (name, value) in fields.iter().filter(|(_, value)| is_attribute(value)) {
                let _ = write!(text, " {name}=\"");
                escape(text, &plain(value), true);
                text.push('"');
            }
            text.push('>');
            for (name, value) in fields.iter().filter(|(_, value)| !is_attribute(value)) {
                element(text, name, value, style);
            }
        }
        (other, _) => {
            text.push('>');
            content(text, other, style);
        }
    }
    let _ = write!(text, "</{name}>");
}

fn is_attribute(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

fn plain(scalar: &Value) -> String {
    match scalar {
        Value::String(string) => string.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn escape(text: &mut String, string: &str, in_attribute: bool) {
    for character in string.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&apos;"),
            // XML 1.0 section 2.2: these cannot stand in a document, not even escaped.
            '\u{0}'..='\u{8}'
            | '\u{b}'
            | '\u{c}'
            | '\u{e}'..='\u{1f}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                text.push('\u{fffd}');
            }
            // A literal CR would be read back as LF (XML 1.0 section 2.11).
            '\r' => text.push_str("&#13;"),
            // Line ends and tabs of an attribute would be read back as blanks (XML 1.0 section 3.3.3).
            '\n' if in_attribute => text.push_str("&#10;"),
            '\t' if in_attribute => text.push_str("&#9;"),
            other => text.push(other),
        }
    }
}

/// Reads the fields inside a document's top element, whatever that is called. Attributes count as fields too. None when
/// it is not well formed or has a document type definition.
pub fn read(text: &str) -> Option<Value> {
    let document = roxmltree::Document::parse(text).ok()?;
    Some(match value(document.root_element(), MAX_DEPTH)? {
        Value::String(_) | Value::Null => Value::Object(Map::new()),
        fields => fields,
    })
}

/// None when elements are nested too deeply.
fn value(node: roxmltree::Node<'_, '_>, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let children: Vec<_> = node.children().filter(|child| child.is_element()).collect();
    let nil = node.attribute("nil") == Some("true");
    let attributes = node
        .attributes()
        .filter(|attribute| attribute.name() != "nil");
    let mut fields: Map<String, Value> = attributes
        .map(|attribute| (attribute.name().to_owned(), scalar(attribute.value())))
        .collect();
    if children.is_empty() && fields.is_empty() {
        let text: String = node.children().filter_map(|child| child.text()).collect();
        if !text.is_empty() {
            return Some(scalar(&text));
        }
        let list = ITEMS
            .iter()
            .any(|(list, _)| *list == node.tag_name().name());
        return Some(match (nil, list) {
            (true, _) => Value::Null,
            (false, true) => Value::Array(Vec::new()),
            (false, false) => Value::String(String::new()),
        });
    }
    let item = ITEMS
        .iter()
        .find(|(list, _)| *list == node.tag_name().name())
        .map(|(_, item)| *item);
    let is_list = fields.is_empty()
        && item.is_some_and(|item| children.iter().all(|child| child.tag_name().name() == item));
    if is_list {
        let items = children.into_iter().map(|child| value(child, depth));
        return items.collect::<Option<_>>().map(Value::Array);
    }
    for child in children {
        fields.insert(child.tag_name().name().to_owned(), value(child, depth)?);
    }
    Some(Value::Object(fields))
}

/// Numbers and truth values keep their kind, so that a reader sees the same value in both dialects.
fn scalar(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => match text.parse::<u64>() {
            Ok(number) if number.to_string() == text => Value::from(number),
            _ => Value::String(text.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn write(answer: &Value) -> String {
        super::write(answer, Style::Elements)
    }

    #[test]
    fn an_answer_with_events_is_written_as_elements() {
        let text = write(
            &json!({"chat": {"events": [{"type": "text", "value": "1 < 2"}], "photo": null}}),
        );
        assert_eq!(
            text,
            format!(
                "{HEAD}<chat><events><event><type>text</type><value>1 &lt; 2</value></event></events>\
                 <photo nil=\"true\"/></chat>"
            )
        );
    }

    #[test]
    fn the_configuration_list_becomes_its_element() {
        let text = write(
            &json!([{"serverConfiguration": {"cfgVer": 1, "capabilities": {"chat": ["start"]}}}]),
        );
        assert!(text.ends_with(
            "<serverConfiguration><cfgVer>1</cfgVer><capabilities><chat><capability>start</capability></chat>\
             </capabilities></serverConfiguration>"
        ));
    }

    #[test]
    fn fields_may_be_attributes_and_lists_are_recognised() {
        let body = r#"<chat target="Sales"><participant><name>Ann</name></participant>
            <routingContexts><routingContext><context>ICM</context></routingContext></routingContexts></chat>"#;
        assert_eq!(
            read(body),
            Some(json!({
                "target": "Sales",
                "participant": {"name": "Ann"},
                "routingContexts": [{"context": "ICM"}]
            }))
        );
    }

    #[test]
    fn a_document_nested_too_deeply_is_refused() {
        for (depth, is_read) in [(32, true), (33, false), (200_000, false)] {
            let document = "<a>".repeat(depth) + &"</a>".repeat(depth);
            assert_eq!(read(&document).is_some(), is_read, "{depth}");
        }
    }

    #[test]
    fn a_document_type_definition_is_refused() {
        assert_eq!(read("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), None);
    }

    #[test]
    fn simple_fields_may_be_written_as_attributes() {
        let answer = json!({"chat": {"cfgVer": 1, "status": {"type": "success"}, "events": [{"value": "a\nb"}]}});
        let text = super::write(&answer, Style::Attributes);
        assert!(text.ends_with(
            "<chat cfgVer=\"1\"><status type=\"success\"></status>\
             <events><event value=\"a&#10;b\"></event></events></chat>"
        ));
        assert_eq!(read(&text).as_ref(), answer.get("chat"));
    }

    proptest! {
        #[test]
        fn any_text_survives_the_way_out_and_in(text in "[\\PC\\t\\n\\r]{1,40}") {
            for style in [Style::Elements, Style::Attributes] {
                let document = super::write(&json!({"chat": {"message": text.clone(), "end": 1}}), style);
                let back = plain(&read(&document).unwrap()["message"]);
                prop_assert_eq!(back, text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}"));
            }
        }
    }
}
