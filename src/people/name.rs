//! Names of users as they are kept and shown.
//!
//! ```ignore
//! assert_eq!(shown(" agent1\n").as_deref(), Some("agent1"));
//! ```

use std::sync::Arc;

/// Longest name that is kept, in characters.
const LONGEST: usize = 128;

/// The name without what could colour a terminal, turn a text around or hide in it; none if nothing is left.
pub(super) fn shown(name: &str) -> Option<Arc<str>> {
    let visible = name.chars().filter(|letter| !is_hidden(*letter));
    let kept: String = visible.take(LONGEST).collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.into())
}

fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_bounded_and_shows_everything_that_is_in_it() {
        let long = "a".repeat(LONGEST);
        for (name, kept) in [
            ("agent1", Some("agent1")),
            (" Jürgen Groß ", Some("Jürgen Groß")),
            ("a\u{1b}[31mb\r\nc", Some("a[31mbc")),
            ("a\u{202e}b\u{200b}", Some("ab")),
            ("\n\t", None),
            ("", None),
            (&format!("{long}b"), Some(long.as_str())),
        ] {
            assert_eq!(shown(name).as_deref(), kept, "{name:?}");
        }
    }
}
