//! The two dialects of Web Tools, JSON and XML, over one value: what a request says, and how an answer is written.
//!
//! XML in gives XML out, JSON in gives JSON out, and a browser that asks for neither by name is shown XML.
//!
//! ```
//! use loadtest::webtools::Dialect;
//! let answer = serde_json::json!({"chat": {"pollWaitSuggestion": 2000, "status": {"type": "success"}}});
//! let text = Dialect::Xml.write(&answer);
//! assert!(text.ends_with(
//!     "<chat><pollWaitSuggestion>2000</pollWaitSuggestion><status><type>success</type></status></chat>"
//! ));
//! ```

use serde_json::{Map, Value};

use super::reason::Reason;
use super::xml::Style;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `application/json`.
    Json,
    /// `application/xml`, every field an element.
    Xml,
    /// `application/xml`, simple fields as attributes; written only by a server that is told so.
    XmlAttributes,
}

impl Dialect {
    /// The Content-Type of an answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Xml | Self::XmlAttributes => "application/xml; charset=utf-8",
        }
    }

    /// The dialect of an answer: that of the request's own body when it has one, else what Accept names first, else XML
    /// (Technical Reference: the health test in a plain browser shows XML).
    pub fn of_answer(content_type: Option<&str>, accept: Option<&str>) -> Self {
        if let Some(dialect) = content_type.and_then(Self::named) {
            return dialect;
        }
        accept
            .and_then(|accept| accept.split(',').find_map(Self::named))
            .unwrap_or(Self::Xml)
    }

    /// The dialect that a media type names; parameters, repeated ones too, do not matter here.
    fn named(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "application/json" | "text/json" => Some(Self::Json),
            "application/xml" | "text/xml" => Some(Self::Xml),
            _ => None,
        }
    }

    /// Reads the body of a POST. An empty one is an empty object.
    pub fn read(content_type: Option<&str>, body: &[u8]) -> Result<Value, Reason> {
        if body.is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        let header = content_type.ok_or(Reason::InvalidContentType)?;
        let dialect = Self::named(header).ok_or(Reason::InvalidContentType)?;
        only_utf8(header)?;
        let text = std::str::from_utf8(body).map_err(|_| Reason::InvalidCharset)?;
        match dialect {
            Self::Json => serde_json::from_str(text).map_err(|_| Reason::InvalidContent),
            Self::Xml | Self::XmlAttributes => super::xml::read(text).ok_or(Reason::InvalidContent),
        }
    }

    /// Writes an answer.
    pub fn write(self, answer: &Value) -> String {
        match self {
            Self::Json => answer.to_string(),
            Self::Xml => super::xml::write(answer, Style::Elements),
            Self::XmlAttributes => super::xml::write(answer, Style::Attributes),
        }
    }
}

/// Every charset parameter must say UTF-8. The real page sends the parameter twice, in two spellings.
fn only_utf8(content_type: &str) -> Result<(), Reason> {
    let charsets = content_type.split(';').skip(1).filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"'))
    });
    for charset in charsets {
        if !charset.eq_ignore_ascii_case("utf-8") {
            return Err(Reason::InvalidCharset);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_speaks_the_dialect_of_the_request() {
        for (content_type, accept, expected) in [
            (None, Some("application/json; charset=utf-8"), Dialect::Json),
            (
                None,
                Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
                Dialect::Xml,
            ),
            (None, Some("*/*"), Dialect::Xml),
            (None, None, Dialect::Xml),
            (Some("text/xml"), Some("application/json"), Dialect::Xml),
            (
                Some("Application/JSON; charset=utf-8"),
                Some("application/xml"),
                Dialect::Json,
            ),
        ] {
            assert_eq!(
                Dialect::of_answer(content_type, accept),
                expected,
                "{content_type:?} {accept:?}"
            );
        }
    }

    #[test]
    fn the_duplicate_charset_of_the_real_page_is_accepted() {
        let read = Dialect::read(
            Some("application/json; charset=utf-8; charset=UTF-8"),
            br#"{"message":"hi"}"#,
        );
        assert_eq!(read.unwrap()["message"], "hi");
    }

    #[test]
    fn a_body_that_cannot_be_read_gives_the_vendors_reason() {
        for (content_type, body, reason) in [
            (
                Some("application/json; charset=latin1"),
                &b"{}"[..],
                Reason::InvalidCharset,
            ),
            (
                Some("application/json"),
                b"\"\xff\"",
                Reason::InvalidCharset,
            ),
            (Some("text/plain"), b"{}", Reason::InvalidContentType),
            (None, b"{}", Reason::InvalidContentType),
            (Some("application/json"), b"{", Reason::InvalidContent),
            (Some("application/xml"), b"<chat>", Reason::InvalidContent),
        ] {
            assert_eq!(
                Dialect::read(content_type, body),
                Err(reason),
                "{content_type:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_body_and_no_content_type_makes_it_panic(
            content_type in "(application/(json|xml))?[ ;=a-zA-Z0-9\"/-]{0,30}",
            body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
            text in "[<>/a-c&;\"{}:0-9\\[\\] ]{0,80}",
        ) {
            for body in [&body[..], text.as_bytes()] {
                if let Ok(value) = Dialect::read(Some(&content_type), body) {
                    let mut site = crate::webtools::Site::default();
                    let now = std::time::Instant::now();
                    let visit = crate::webtools::Visit { node: crate::webtools::Node::A, visitor: "a", now };
                    site.perform(&visit, &crate::webtools::Operation::Start, &value);
                    proptest::prop_assert_eq!(site.truth(now).chats(), 0);
                }
            }
        }
    }
}
