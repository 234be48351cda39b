//! The single steps that servers take when they read a path, one function each.
//!
//! `Step::DotsResolved.apply("/a/../b")` gives `/b`, and `"/.."` gives `AboveRoot`.

use std::fmt;

/// Something that servers do to a path before they use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Percent escapes decoded (RFC 3986, 2.1).
    Decoded,
    /// `.` and `..` segments resolved (RFC 3986, 5.2.4).
    DotsResolved,
    /// `;` and what follows dropped from every segment, as Tomcat does.
    ParametersDropped,
    /// `\` taken for `/`, as IIS does.
    BackslashesTurned,
    /// Repeated slashes merged, as nginx does.
    SlashesMerged,
    /// Full-width and look-alike forms replaced by ASCII, as Windows' best fit and Unicode's NFKC do.
    WidthFolded,
    /// Cut at a decoded `?` or `#`, as whoever parses a decoded path once more does.
    CutAtQuery,
}

/// What a step makes of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Same,
    Changed(String),
    NotUtf8,
    AboveRoot,
}

impl Step {
    /// All of them, the likeliest first.
    pub(super) const ALL: [Step; 7] = [
        Step::Decoded,
        Step::DotsResolved,
        Step::ParametersDropped,
        Step::BackslashesTurned,
        Step::SlashesMerged,
        Step::WidthFolded,
        Step::CutAtQuery,
    ];

    /// The path after this step.
    pub(super) fn apply(self, path: &str) -> Outcome {
        let changed = match self {
            Step::Decoded => return decode(path),
            Step::DotsResolved => return resolve_dots(path),
            Step::ParametersDropped => path.contains(';').then(|| drop_parameters(path)),
            Step::BackslashesTurned => path.contains('\\').then(|| path.replace('\\', "/")),
            Step::SlashesMerged => path.contains("//").then(|| merge_slashes(path)),
            Step::WidthFolded => fold_width(path),
            Step::CutAtQuery => path.split_once(['?', '#']).map(|(cut, _)| cut.to_owned()),
        };
        changed.map_or(Outcome::Same, Outcome::Changed)
    }

    /// Writes `steps` as the beginning of a sentence: "decoded twice, then with dot segments resolved, ".
    pub(in crate::routing::path_safety) fn describe(
        steps: &[Step],
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let mut rest = steps;
        let mut decoded_before = false;
        while let [step, after @ ..] = rest {
            if rest.len() < steps.len() {
                f.write_str("then ")?;
            }
            rest = after;
            let phrase = match (step, after) {
                (Step::Decoded, [Step::Decoded, after @ ..]) => {
                    rest = after;
                    "decoded twice"
                }
                (Step::Decoded, _) if decoded_before => "decoded again",
                (Step::Decoded, _) => "decoded",
                (Step::DotsResolved, _) => "with dot segments resolved",
                (Step::ParametersDropped, _) => "with `;` parameters dropped",
                (Step::BackslashesTurned, _) => "with backslashes taken for slashes",
                (Step::SlashesMerged, _) => "with repeated slashes merged",
                (Step::WidthFolded, _) => "with look-alike characters folded to ASCII",
                (Step::CutAtQuery, _) => "cut at a decoded `?` or `#`",
            };
            decoded_before |= *step == Step::Decoded;
            write!(f, "{phrase}, ")?;
        }
        Ok(())
    }
}

/// Escapes that are none stay as they are: a first decoding has been checked, a second must not fail on `100%25`.
fn decode(path: &str) -> Outcome {
    if !path.contains('%') {
        return Outcome::Same;
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        decoded.push(*first);
        if let (b'%', [high, low, after @ ..]) = (first, after)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            decoded.pop();
            decoded.push(high << 4 | low);
            rest = after;
        }
    }
    match String::from_utf8(decoded) {
        Ok(decoded) if decoded == path => Outcome::Same,
        Ok(decoded) => Outcome::Changed(decoded),
        Err(_) => Outcome::NotUtf8,
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn resolve_dots(path: &str) -> Outcome {
    if !path.split('/').any(|s| matches!(s, "." | "..")) {
        return Outcome::Same;
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_in_dots = false;
    for segment in path.split('/').skip(1) {
        ends_in_dots = true;
        match segment {
            "." => {}
            ".." => {
                if kept.pop().is_none() {
                    return Outcome::AboveRoot;
                }
            }
            other => {
                kept.push(other);
                ends_in_dots = false;
            }
        }
    }
    if ends_in_dots {
        kept.push("");
    }
    Outcome::Changed(format!("/{}", kept.join("/")))
}

fn drop_parameters(path: &str) -> String {
    let mut kept = String::with_capacity(path.len());
    let mut in_parameters = false;
    for c in path.chars() {
        in_parameters = c != '/' && (in_parameters || c == ';');
        if !in_parameters {
            kept.push(c);
        }
    }
    kept
}

fn merge_slashes(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !merged.ends_with('/') {
            merged.push(c);
        }
    }
    merged
}

fn fold_width(path: &str) -> Option<String> {
    if path.is_ascii() {
        return None;
    }
    let mut folded = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            // Fullwidth forms of `!` to `~`.
            '\u{ff01}'..='\u{ff5e}' => {
                folded.extend(char::from_u32(u32::from(c) - 0xfee0));
            }
            '\u{2024}' | '\u{fe52}' => folded.push('.'),
            '\u{2025}' => folded.push_str(".."),
            '\u{2026}' => folded.push_str("..."),
            '\u{2044}' | '\u{2215}' | '\u{29f8}' => folded.push('/'),
            '\u{2216}' | '\u{29f5}' | '\u{29f9}' | '\u{fe68}' => folded.push('\\'),
            '\u{037e}' | '\u{fe14}' | '\u{fe54}' => folded.push(';'),
            '\u{fe6a}' => folded.push('%'),
            '\u{2100}' => folded.push_str("a/c"),
            '\u{2101}' => folded.push_str("a/s"),
            '\u{2105}' => folded.push_str("c/o"),
            '\u{2106}' => folded.push_str("c/u"),
            '\u{fe56}' | '\u{fe16}' => folded.push('?'),
            '\u{fe5f}' => folded.push('#'),
            '\u{3000}' | '\u{a0}' => folded.push(' '),
            other => folded.push(other),
        }
    }
    (folded != path).then_some(folded)
}
