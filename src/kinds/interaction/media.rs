//! What the header says of a body: its form and its coding.
//!
//! ```
//! use http::HeaderMap;
//! use portcullis::kinds::interaction::{Dialect, Media};
//! let mut headers = HeaderMap::new();
//! headers.insert("content-type", "application/vnd.inin.icws+JSON; charset=utf-8".parse().unwrap());
//! assert_eq!(Media::of(&headers).dialect(), Some(Dialect::Json));
//! ```

use std::fmt;

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderName};

use super::coding::Coding;

/// The two forms of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// JSON.
    Json,
    /// XML.
    Xml,
}

impl Dialect {
    /// The form in which the sender of a request understands an answer: that of its own body, else what it accepts first ("XML
    /// requests receive responses in XML; JSON requests receive responses in JSON", Web Tools Technical Reference), else JSON, which
    /// every known client speaks.
    pub fn wanted(request: &HeaderMap) -> Self {
        named_first(request, CONTENT_TYPE)
            .or_else(|| named_first(request, ACCEPT))
            .unwrap_or(Self::Json)
    }

    /// The form that a media type names. Its parameters do not matter: the vendor's page sends `charset` twice.
    fn named(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let (_, subtype) = essence.split_once('/')?;
        let suffix = subtype
            .rsplit_once('+')
            .map_or(subtype, |(_, suffix)| suffix);
        if suffix.eq_ignore_ascii_case("json") {
            Some(Self::Json)
        } else if suffix.eq_ignore_ascii_case("xml") {
            Some(Self::Xml)
        } else {
            None
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Xml => "XML",
        })
    }
}

/// What the header says of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Media {
    dialect: Option<Dialect>,
    pub(super) coding: Coding,
}

impl Media {
    /// Reads Content-Type and Content-Encoding.
    pub fn of(headers: &HeaderMap) -> Self {
        let codings = headers.get_all(CONTENT_ENCODING).iter();
        Media {
            dialect: named_first(headers, CONTENT_TYPE),
            // A value that is not even text is a coding nobody knows.
            coding: Coding::named(codings.map(|value| value.to_str().unwrap_or("?"))),
        }
    }

    /// The form that the media type names, if it names one.
    pub fn dialect(&self) -> Option<Dialect> {
        self.dialect
    }
}

fn named_first(headers: &HeaderMap, name: HeaderName) -> Option<Dialect> {
    let values = headers.get_all(name);
    let values = values.iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        // `application/xhtml+xml` stands first in a browser's Accept and asks for a page.
        .filter(|media_type| !media_type.trim_start().starts_with("application/xhtml"))
        .find_map(Dialect::named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        let fields = fields.iter();
        fields
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_media_type_names_its_form() {
        for (value, dialect) in [
            ("application/json", Some(Dialect::Json)),
            (
                "APPLICATION/JSON; charset=utf-8; charset=UTF-8",
                Some(Dialect::Json),
            ),
            ("text/json", Some(Dialect::Json)),
            ("application/vnd.inin.icws+JSON", Some(Dialect::Json)),
            ("text/xml;charset=utf-8", Some(Dialect::Xml)),
            ("application/xml", Some(Dialect::Xml)),
            ("application/soap+xml", Some(Dialect::Xml)),
            ("text/plain", None),
            ("text/html", None),
            ("json", None),
            ("", None),
        ] {
            let media = Media::of(&headers(&[(CONTENT_TYPE, value)]));
            assert_eq!(media.dialect(), dialect, "{value}");
        }
    }

    #[test]
    fn a_refusal_speaks_the_form_of_the_request() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (fields, dialect) in [
            (&[][..], Dialect::Json),
            (&[(ACCEPT, "*/*")][..], Dialect::Json),
            (
                &[(ACCEPT, "application/xhtml+xml, application/json")][..],
                Dialect::Json,
            ),
            (
                &[(ACCEPT, "application/json; charset=utf-8")][..],
                Dialect::Json,
            ),
            (&[(ACCEPT, browser)][..], Dialect::Xml),
            (&[(ACCEPT, "text/xml, application/json")][..], Dialect::Xml),
            (
                &[(ACCEPT, "application/json"), (CONTENT_TYPE, "text/xml")][..],
                Dialect::Xml,
            ),
            (
                &[(CONTENT_TYPE, "application/json"), (ACCEPT, "text/xml")][..],
                Dialect::Json,
            ),
        ] {
            assert_eq!(Dialect::wanted(&headers(fields)), dialect, "{fields:?}");
        }
    }
}
