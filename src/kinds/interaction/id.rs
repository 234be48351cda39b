//! The id of a chat, a callback or a participant, in one spelling.
//!
//! ```
//! use portcullis::kinds::interaction::Id;
//! let id = Id::new("{F9580EF2-1270-4182-A429-C3C0D957BF2A}").unwrap();
//! assert_eq!(id, Id::new("f9580ef2-1270-4182-a429-c3c0d957bf2a").unwrap());
//! assert_eq!(format!("{id:?}"), "Id(..)");
//! ```

use std::fmt;

/// Longest id that is taken for one, in bytes. The vendor's are GUIDs.
pub const MAX_ID_BYTES: usize = 256;

/// An id. Whoever knows a participant's id speaks as that participant, so neither `Debug` nor a log shows it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(Box<str>);

impl Id {
    /// Reads an id. `None` if it is empty or longer than [`MAX_ID_BYTES`].
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_ID_BYTES {
            return None;
        }
        // SECURITY: a server reads a GUID in any case, with or without braces and dashes. If another spelling were another id,
        // polls in that spelling would look like silence, and the slot of a living chat would be given away.
        let bare = text.trim_start_matches(['{', '(']);
        let bare = bare.trim_end_matches(['}', ')']);
        let digits: String = bare.chars().filter(|c| *c != '-').collect();
        let is_guid = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let mut own = if is_guid { digits } else { text.to_owned() };
        own.make_ascii_lowercase();
        Some(Id(own.into_boxed_str()))
    }

    /// The id in its one spelling: what to compare and to hash, not what to send.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Id(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_guid_is_the_same_id() {
        let spellings = [
            "f9580ef2-1270-4182-a429-c3c0d957bf2a",
            "F9580EF2-1270-4182-A429-C3C0D957BF2A",
            "{f9580ef2-1270-4182-a429-c3c0d957bf2a}",
            "(f9580ef2-1270-4182-a429-c3c0d957bf2a)",
            "f9580ef212704182a429c3c0d957bf2a",
            " f9580ef2-1270-4182-a429-c3c0d957bf2a\n",
        ];
        for spelling in spellings {
            assert_eq!(
                Id::new(spelling).unwrap().as_str(),
                "f9580ef212704182a429c3c0d957bf2a",
                "{spelling}"
            );
        }
    }

    #[test]
    fn what_is_no_guid_keeps_all_its_characters() {
        for (text, id) in [
            ("1f", Some("1f")),
            ("Ab-9", Some("ab-9")),
            ("{x}", Some("{x}")),
            ("\u{e9}", Some("\u{e9}")),
            ("", None),
            ("  ", None),
        ] {
            assert_eq!(Id::new(text).as_ref().map(Id::as_str), id, "{text:?}");
        }
        assert!(Id::new(&"a".repeat(MAX_ID_BYTES)).is_some());
        assert!(Id::new(&"a".repeat(MAX_ID_BYTES + 1)).is_none());
    }
}
