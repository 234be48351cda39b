//! XML into a [`Value`]: elements and attributes alike become fields, whatever their namespace.
//!
//! `<chat cfgVer="1"><status><type>success</type></status></chat>` is `("chat", {cfgVer: 1, status: {type: success}})`. No listing of
//! the vendor's XML is public, so both ways of writing a field are read. A document type definition ends the reading: no entity is
//! ever expanded but the five that XML itself has.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::document::{Budget, Fields, Value};
use super::{Dialect, Unreadable};

const MALFORMED: Unreadable = Unreadable::Malformed(Dialect::Xml);

/// An element that has begun.
struct Open {
    name: String,
    text: String,
    named: Vec<(String, Value)>,
    nil: bool,
}

/// Reads a document: the name of its top element, and what is inside.
pub(super) fn read(text: &str) -> Result<(String, Value), Unreadable> {
    let budget = Budget::new();
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut whole = None;
    loop {
        let event = reader.read_event().map_err(|_| MALFORMED)?;
        let closed = match event {
            Event::Start(element) => {
                open.push(begin(&element, open.len() + 1, &budget)?);
                None
            }
            Event::Empty(element) => Some(begin(&element, open.len() + 1, &budget)?),
            Event::End(_) => Some(open.pop().ok_or(MALFORMED)?),
            Event::Text(text) => {
                say(&mut open, &text.xml10_content())?;
                None
            }
            Event::CData(text) => {
                let element = open.last_mut().ok_or(MALFORMED)?;
                element.text.push_str(&text.xml10_content());
                None
            }
            Event::GeneralRef(reference) => {
                let element = open.last_mut().ok_or(MALFORMED)?;
                refer(&reference, &mut element.text)?;
                None
            }
            Event::DocType(_) => return Err(Unreadable::Entities),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => None,
            Event::Eof => break,
        };
        let Some(closed) = closed else { continue };
        match (open.last_mut(), &whole) {
            (Some(parent), _) => parent.named.push(closed.end()),
            (None, None) => whole = Some(closed.end()),
            (None, Some(_)) => return Err(MALFORMED),
        }
    }
    if open.is_empty() { whole } else { None }.ok_or(MALFORMED)
}

/// Text belongs to an element; around the top one only blanks may stand.
fn say(open: &mut [Open], text: &str) -> Result<(), Unreadable> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(MALFORMED),
    }
    Ok(())
}

fn refer(reference: &BytesRef<'_>, text: &mut String) -> Result<(), Unreadable> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| MALFORMED)? {
        text.push(character);
    } else {
        // SECURITY: nothing else is expanded, so nothing can grow.
        text.push_str(resolve_predefined_entity(reference).ok_or(Unreadable::Entities)?);
    }
    Ok(())
}

fn begin(element: &BytesStart<'_>, depth: usize, budget: &Budget) -> Result<Open, Unreadable> {
    let (name, prefix) = element.name().decompose();
    let mut begun = Open {
        name: name.into_inner().to_owned(),
        text: String::new(),
        named: Vec::new(),
        nil: false,
    };
    if !budget.pay(depth) {
        return Err(Unreadable::TooIntricate);
    }
    // PERF: the reader's own check for repeated attributes compares each with all; the budget bounds them instead.
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| MALFORMED)?;
        let (name, own_prefix) = attribute.key.decompose();
        let name = name.into_inner();
        let is_nil = name == "nil";
        // An attribute of another vocabulary (`xsi:type`, `xmlns:a`) is no field. `nil` always is one of another's.
        let is_field = attribute.key.as_namespace_binding().is_none()
            && (own_prefix.is_none() || own_prefix == prefix);
        if !budget.pay(depth + 1) {
            return Err(Unreadable::TooIntricate);
        }
        if is_nil {
            begun.nil |= matches!(&*attribute.value, "true" | "1");
        } else if is_field {
            begun
                .named
                .push((name.to_owned(), Value::Text(unescaped(&attribute)?)));
        }
    }
    Ok(begun)
}

fn unescaped(attribute: &Attribute<'_>) -> Result<String, Unreadable> {
    let value = attribute.normalized_value(XmlVersion::Implicit1_0);
    value.map(String::from).map_err(|_| MALFORMED)
}

impl Open {
    fn end(self) -> (String, Value) {
        let value = if self.nil {
            Value::Nothing
        } else if self.named.is_empty() {
            Value::Text(self.text)
        } else {
            Value::Fields(Fields {
                own: (!self.text.trim().is_empty()).then_some(self.text),
                named: self.named,
            })
        };
        (self.name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::interaction::{MAX_DEPTH, MAX_VALUES};

    #[test]
    fn elements_and_attributes_of_any_namespace_read_the_same() {
        for text in [
            "<chat><chatID>a&amp;b</chatID><status><type>success</type></status></chat>",
            "<chat chatID='a&amp;b'><status type=\"success\"/></chat>",
            "<chat chatID='a&amp;b' i:chatID='c'><status type='success' i:type='Status'/></chat>",
            "<w:chat xmlns:w='urn:x' w:chatID='a&#38;b'><w:status w:type='success'/></w:chat>",
            "<?xml version='1.0'?><!-- x --><chat xmlns='urn:y'>\n <chatID><![CDATA[a&b]]></chatID>\n\
             <status xmlns:i='urn:i' i:type='Status'><type>success</type></status></chat>\n<!-- y -->",
        ] {
            let (root, value) = read(text).unwrap();
            assert_eq!(root, "chat");
            assert_eq!(value.text_of("chatID"), Some("a&b"), "{text}");
            let status = value.last("status").unwrap();
            assert_eq!(status.text_of("type"), Some("success"), "{text}");
        }
    }

    #[test]
    fn an_element_may_be_nothing_or_have_a_text_beside_attributes() {
        let text = "<a><photo nil='true'/><b i:nil='true'>x</b><id kind='guid'>7</id><empty/></a>";
        let (_, value) = read(text).unwrap();
        assert_eq!(value.last("photo"), Some(&Value::Nothing));
        assert_eq!(value.last("b"), Some(&Value::Nothing));
        assert_eq!(value.text_of("id"), Some("7"));
        assert_eq!(value.last("empty"), Some(&Value::Text(String::new())));
    }

    #[test]
    fn what_is_not_a_document_is_malformed() {
        for text in [
            "",
            "<",
            "<a",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><b/>",
            "<a/><b>",
            "x<a/>",
            "<a/>x",
            "<a b></a>",
            "<a b=c/>",
            "<a>&</a>",
            "<a>&#xd800;</a>",
            "<a b='&x;'/>",
            "<a b='&lt'/>",
            "&lt;<a/>",
        ] {
            assert_eq!(read(text), Err(MALFORMED), "{text}");
        }
    }

    #[test]
    fn nothing_is_ever_expanded() {
        for text in [
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "<!DOCTYPE html><a/>",
            "<a>&b;</a>",
            "<a>&nbsp;</a>",
        ] {
            assert_eq!(read(text), Err(Unreadable::Entities), "{text}");
        }
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        for (depth, is_read) in [(MAX_DEPTH, true), (MAX_DEPTH + 1, false), (100_000, false)] {
            let text = "<a>".repeat(depth) + &"</a>".repeat(depth);
            assert_eq!(read(&text).is_ok(), is_read, "{depth}");
        }
        for (values, is_read) in [(MAX_VALUES - 1, true), (MAX_VALUES, false)] {
            let text = format!("<a>{}</a>", "<b/>".repeat(values));
            assert_eq!(read(&text).is_ok(), is_read, "{values}");
            let attributes: String = (0..values).map(|n| format!(" b{n}=''")).collect();
            let read = read(&format!("<a{attributes}/>"));
            assert_eq!(read.is_ok(), is_read, "{values}");
        }
    }
}
