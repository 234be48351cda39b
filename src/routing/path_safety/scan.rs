//! One pass over a path that tells plain from tricky and refuses what no path may contain.
//!
//! `/icws/123/connection` is plain; `/a%20b`, `/a;b`, `/a\b`, `//` and `/.a` have more than one reading; a space, a
//! control or a byte outside ASCII is refused.

use super::refusal::BadPath;

/// Longest path that is looked at, in bytes: the limit of the vendor's own proxy rule set (IIS request filtering).
pub const MAX_PATH_BYTES: usize = 8192;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Every server reads this path as it is.
    Plain,
    /// Servers may differ.
    ManyReadings,
}

const PLAIN: u8 = 0;
const SLASH: u8 = 1;
const DOT: u8 = 2;
const TRICKY: u8 = 4;
/// What a dot after a slash comes out as; the next bit so that it takes one multiplication.
const DOT_AFTER_SLASH: u8 = DOT * TRICKY;
const REFUSED: u8 = 16;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [REFUSED; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => PLAIN,
            // RFC 3986, 3.3: unreserved, sub-delims, `:` and `@`.
            b'-' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b','
            | b'=' | b':' | b'@' => PLAIN,
            // Not in the grammar, sent as they are by browsers and HTTP libraries, and read as they are.
            b'[' | b']' | b'|' | b'^' | b'{' | b'}' => PLAIN,
            b'.' => DOT,
            b'/' => SLASH,
            b'%' | b';' | b'\\' => TRICKY,
            _ => REFUSED,
        };
        byte += 1;
    }
    table
}

/// Tells how many readings a path may have. Errors: 400.
pub(super) fn scan(path: &str) -> Result<Shape, BadPath> {
    if path.len() > MAX_PATH_BYTES {
        return Err(BadPath::TooLong);
    }
    if !path.starts_with('/') {
        return Err(BadPath::NoLeadingSlash);
    }
    let mut seen = PLAIN;
    let mut before = PLAIN;
    // PERF: one table lookup per byte and no branch on what it gives.
    for &byte in path.as_bytes() {
        let class = CLASSES[usize::from(byte)];
        let after_slash = (before & SLASH) * (class & (SLASH | DOT)) * TRICKY;
        seen |= class | after_slash;
        before = class;
    }
    if seen & REFUSED != 0 {
        let mut refused = path.bytes().filter(|&b| CLASSES[usize::from(b)] == REFUSED);
        return Err(BadPath::Byte(refused.next().unwrap_or_default()));
    }
    if seen & (TRICKY | DOT_AFTER_SLASH) == 0 {
        return Ok(Shape::Plain);
    }
    check_escapes(path)?;
    Ok(Shape::ManyReadings)
}

fn check_escapes(path: &str) -> Result<(), BadPath> {
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'%', [a, b, after @ ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => after,
            (b'%', _) => return Err(BadPath::Escape),
            _ => after,
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_plain_or_tricky_or_refused() {
        use Shape::{ManyReadings, Plain};
        for (path, expected) in [
            ("/", Ok(Plain)),
            (
                "/us/icserver1/icws/1/users/a.b@c:d,e+f'(g)!*$&=~[h]|^{i}",
                Ok(Plain),
            ),
            ("/a./b..", Ok(Plain)),
            ("/a/", Ok(Plain)),
            ("//", Ok(ManyReadings)),
            ("/a//b", Ok(ManyReadings)),
            ("/.", Ok(ManyReadings)),
            ("/a/.b", Ok(ManyReadings)),
            ("/a;b", Ok(ManyReadings)),
            ("/a\\b", Ok(ManyReadings)),
            ("/a%20b", Ok(ManyReadings)),
            ("", Err(BadPath::NoLeadingSlash)),
            ("*", Err(BadPath::NoLeadingSlash)),
            ("http://a/b", Err(BadPath::NoLeadingSlash)),
            ("/a b", Err(BadPath::Byte(b' '))),
            ("/a\0", Err(BadPath::Byte(0))),
            ("/a\r\nb", Err(BadPath::Byte(b'\r'))),
            ("/a\u{7f}", Err(BadPath::Byte(0x7f))),
            ("/b\u{fc}", Err(BadPath::Byte(0xc3))),
            ("/a?b", Err(BadPath::Byte(b'?'))),
            ("/a#b", Err(BadPath::Byte(b'#'))),
            ("/a%", Err(BadPath::Escape)),
            ("/a%2", Err(BadPath::Escape)),
            ("/a%2g", Err(BadPath::Escape)),
            ("/a%u002e", Err(BadPath::Escape)),
            ("/a%%32e", Err(BadPath::Escape)),
            ("/a%2%65", Err(BadPath::Escape)),
        ] {
            assert_eq!(scan(path), expected, "{path:?}");
        }
        let longest = "/".to_owned() + &"a".repeat(MAX_PATH_BYTES - 1);
        assert_eq!(scan(&longest), Ok(Plain));
        assert_eq!(scan(&(longest + "a")), Err(BadPath::TooLong));
    }
}
