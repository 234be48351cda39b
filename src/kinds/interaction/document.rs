//! A body taken apart, the same for JSON and XML: texts, lists, and fields with names.
//!
//! `{"chat": {"chatID": "c"}}` and `<w:chat xmlns:w="u" w:chatID="c"/>` are the same document.
//!
//! ```ignore
//! let document = Document::read(&media, body, MAX_BODY_BYTES)?;
//! let chat = document.named("chat").and_then(|chat| chat.last("chatID"));
//! ```

use super::{Dialect, Media, Unreadable, json, xml};

/// Largest body that is looked at, in bytes and after decompression. A poll's answer is below a kilobyte.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// Deepest nesting that is looked at; an answer of the vendor's has five levels.
pub const MAX_DEPTH: usize = 32;
/// Most values that one body may consist of: with the cap on bytes it bounds the memory that one body takes to a few megabytes.
pub const MAX_VALUES: usize = 32 * 1024;

/// One value. It may hold credentials, so outside tests it has no `Debug`.
#[cfg_attr(test, derive(Debug, Clone, PartialEq))]
pub(super) enum Value {
    /// JSON's `null`, XML's `nil="true"`.
    Nothing,
    /// A text; also a number or a truth value, which XML cannot tell from one.
    Text(String),
    /// JSON's list. XML has none: there it is fields that repeat a name.
    List(Vec<Value>),
    /// An object, or an element that has attributes or children.
    Fields(Fields),
}

/// Fields in their order, repeated ones included.
#[derive(Default)]
#[cfg_attr(test, derive(Debug, Clone, PartialEq))]
pub(super) struct Fields {
    /// The text of an element that has attributes too.
    pub own: Option<String>,
    /// Names and values.
    pub named: Vec<(String, Value)>,
}

/// A field that two readers could read differently: there twice, or in another case than the vendor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doubtful;

impl Value {
    /// The text, if it is one with something in it.
    pub fn text(&self) -> Option<&str> {
        let text = match self {
            Self::Text(text) => text,
            Self::Fields(fields) => fields.own.as_ref()?,
            Self::Nothing | Self::List(_) => return None,
        };
        let text = text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// The fields, if it has any.
    pub fn fields(&self) -> Option<&Fields> {
        match self {
            Self::Fields(fields) => Some(fields),
            _ => None,
        }
    }

    /// The field with this name; of several the last, as `JSON.parse` has it. The name's case does not matter: `participantID` in one
    /// protocol is `participantId` in the other.
    pub fn last(&self, name: &str) -> Option<&Value> {
        let named = self.fields()?.named.iter().rev();
        let mut alike = named.filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let exact = alike.clone().find(|(own, _)| own == name);
        exact.or_else(|| alike.next()).map(|(_, value)| value)
    }

    /// The text of [`Self::last`].
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.last(name)?.text()
    }
}

impl Fields {
    /// The text of the only field with this name in any case; none if there are several, of which another reader may take another.
    pub fn only_text(&self, name: &str) -> Option<&str> {
        let named = self.named.iter();
        let mut alike = named.filter(|(own, _)| own.eq_ignore_ascii_case(name));
        match (alike.next(), alike.next()) {
            (Some((_, value)), None) => value.text(),
            _ => None,
        }
    }

    /// The only field with this name.
    pub fn sole(&self, name: &str) -> Result<Option<&Value>, Doubtful> {
        let named = self.named.iter();
        let mut alike = named.filter(|(own, _)| own.eq_ignore_ascii_case(name));
        match (alike.next(), alike.next()) {
            (None, _) => Ok(None),
            (Some((own, value)), None) if own == name => Ok(Some(value)),
            _ => Err(Doubtful),
        }
    }
}

/// A whole body.
#[cfg_attr(test, derive(Debug))]
pub(super) struct Document {
    /// The name of XML's top element.
    root: Option<String>,
    /// What is inside it.
    pub top: Value,
}

impl Document {
    /// Reads a body of at most `cap` bytes, before and after decompression.
    pub fn read(media: &Media, body: &[u8], cap: usize) -> Result<Self, Unreadable> {
        let decoded = match body {
            [] => return Err(Unreadable::Empty),
            _ if body.len() > cap => return Err(Unreadable::TooLarge),
            _ => media.coding.decode(body, cap)?,
        };
        let text = std::str::from_utf8(&decoded).map_err(|_| Unreadable::NotUtf8)?;
        // A browser takes the mark off before it parses (Encoding Standard, "UTF-8 decode").
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
        let dialect = match (media.dialect(), text.as_bytes().first()) {
            (_, None) => return Err(Unreadable::Empty),
            (Some(dialect), _) => dialect,
            (None, Some(b'{' | b'[')) => Dialect::Json,
            (None, Some(b'<')) => Dialect::Xml,
            (None, Some(_)) => return Err(Unreadable::UnknownForm),
        };
        match dialect {
            Dialect::Json => json::read(text).map(|top| Document { root: None, top }),
            Dialect::Xml => xml::read(text).map(|(root, top)| Document {
                root: Some(root),
                top,
            }),
        }
    }

    /// The object that wraps an answer: JSON's field with this name, XML's top element.
    pub fn named(&self, name: &str) -> Option<&Value> {
        match &self.root {
            Some(root) => root.eq_ignore_ascii_case(name).then_some(&self.top),
            None => self.top.last(name),
        }
    }
}

/// How much may still be read: every value, key or element pays.
pub(super) struct Budget {
    values: std::cell::Cell<usize>,
    spent: std::cell::Cell<bool>,
}

impl Budget {
    pub fn new() -> Self {
        Budget {
            values: std::cell::Cell::new(MAX_VALUES),
            spent: std::cell::Cell::new(false),
        }
    }

    /// Pays for one value at this depth. False when that is too much.
    pub fn pay(&self, depth: usize) -> bool {
        let left = self.values.get().checked_sub(1);
        self.values.set(left.unwrap_or(0));
        let fits = left.is_some() && depth <= MAX_DEPTH;
        self.spent.set(self.spent.get() || !fits);
        fits
    }

    /// Whether something has been too much.
    pub fn is_spent(&self) -> bool {
        self.spent.get()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::CONTENT_ENCODING;

    use super::*;

    #[test]
    fn a_body_larger_than_the_cap_is_not_even_decompressed() {
        let headers = [(CONTENT_ENCODING, "deflate".parse().unwrap())];
        let media = Media::of(&headers.into_iter().collect::<HeaderMap>());
        // Deflate's empty blocks (RFC 1951, 3.2.4) make a long body of a short text.
        for (empty, is_read) in [(2, true), (199, false)] {
            let mut body = [0, 0, 0, 255, 255].repeat(empty);
            body.extend_from_slice(&[1, 2, 0, 253, 255, b'{', b'}']);
            let document = Document::read(&media, &body, 1000);
            assert_eq!(document.is_ok(), is_read, "{empty}");
        }
        let document = Document::read(&media, &[1, 2, 0, 253, 255, b'{', b'}'], 7);
        assert!(document.is_ok());
    }
}
