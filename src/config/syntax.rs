//! Why a file is not YAML, in the words of somebody who wants to repair it.

use granit_parser::{ErrorKind, ScanError};

use crate::diagnostic::{Diagnostic, Place};

use super::tree::narrow;

/// What the parser found, where it found it, and the likely repair.
pub(super) fn explain(error: &ScanError, text: &str) -> Diagnostic {
    let marker = error.marker();
    let place = Place {
        line: narrow(marker.line()),
        column: narrow(marker.col() + 1),
        length: 1,
    };
    let line = text
        .lines()
        .nth(marker.line().saturating_sub(1))
        .unwrap_or_default();
    let place = clamp(place, text);
    if let Some(diagnostic) = by_line(line, place) {
        return diagnostic;
    }
    let message = format!("this is not YAML: {}", error.kind());
    Diagnostic::new(place, message).remedy(remedy(error.kind()))
}

/// The parser may point behind the last line, where there is nothing to show.
fn clamp(place: Place, text: &str) -> Place {
    let lines = text.lines().count().max(1);
    if place.line as usize <= lines {
        return place;
    }
    let last = text.lines().next_back().unwrap_or_default();
    Place {
        line: narrow(lines),
        column: narrow(last.chars().count().max(1)),
        length: 1,
    }
}

/// Mistakes that are recognized from the line itself, whatever the parser called them.
fn by_line(line: &str, place: Place) -> Option<Diagnostic> {
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    if let Some(tab) = indent.chars().position(|c| c == '\t') {
        let place = Place {
            column: narrow(tab + 1),
            ..place
        };
        return Some(
            Diagnostic::new(place, "the line is indented with a tab")
                .remedy("indent with spaces, two for each level"),
        );
    }
    let entry = line.trim_start();
    let entry = entry.strip_prefix("- ").map_or(entry, str::trim_start);
    let value = entry
        .split_once(": ")
        .map_or("", |(_, value)| value.trim_start());
    for (text, sign, what) in [
        (value, '%', "a percent sign"),
        (value, '@', "an at sign"),
        (value, '`', "a backtick"),
        (entry, '%', "a percent sign"),
        (entry, '@', "an at sign"),
        (entry, '*', "an asterisk"),
    ] {
        // A `%` in the first column is a YAML directive, which has its own message.
        if !text.starts_with(sign) || text.len() == line.len() {
            continue;
        }
        let before = line.len().saturating_sub(text.len());
        let place = Place {
            column: narrow(line.get(..before).unwrap_or_default().chars().count() + 1),
            length: 1,
            ..place
        };
        let quoted = text
            .split(": ")
            .next()
            .unwrap_or_default()
            .trim_end()
            .trim_end_matches(':');
        return Some(
            Diagnostic::new(
                place,
                format!("a text that begins with {what} has a meaning of its own in YAML"),
            )
            .remedy(format!("write it in quotes: \"{quoted}\"")),
        );
    }
    None
}

fn remedy(kind: &ErrorKind) -> &'static str {
    use ErrorKind as E;
    match kind {
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabAtBlockScalarStart
        | E::TabInPlainScalar => "use spaces instead of tabs",
        E::SimpleKeyExpected | E::InvalidSimpleKey => {
            "a line without a list sign needs the form `key: value`, with a space after the colon"
        }
        E::ExpectedBlockMappingKey | E::InvalidIndentation | E::ExpectedBlockSequenceEntry => {
            "keys that belong together begin in the same column; check the indentation of this line and the one above"
        }
        E::MappingValueNotAllowed | E::MappingKeyNotAllowed | E::InvalidColonPlacement => {
            "write one `key: value` on a line, and put a text that contains `: ` in quotes"
        }
        E::ExpectedFlowMappingSeparator
        | E::UnexpectedEofFlowMapping
        | E::UnexpectedEofImplicitFlowMapping => {
            "between `{` and `}` put a comma between the keys, and a text that contains `{`, `}`, `[`, `]` or `,` in quotes"
        }
        E::ExpectedFlowSequenceSeparator | E::UnexpectedEofFlowSequence => {
            "between `[` and `]` put a comma between the items, and close the list"
        }
        E::UnclosedFlowCollection { .. }
        | E::MismatchedFlowCollectionEnd { .. }
        | E::MisplacedFlowCollectionEnd => {
            "every `{` needs its `}` and every `[` its `]`; put a text that begins with one of them in quotes"
        }
        E::UnclosedQuotedScalar | E::InvalidQuotedScalarIndent => {
            "close the quotes on the same line"
        }
        E::UnknownQuotedScalarEscape => {
            "a backslash inside \"...\" must be doubled; inside '...' it stands for itself"
        }
        E::InvalidTrailingDoubleQuotedScalar | E::InvalidTrailingSingleQuotedScalar => {
            "put the whole value in quotes, or none of it"
        }
        E::UnexpectedCharacter { .. } => {
            "put a text that begins with a special character in quotes"
        }
        E::DirectiveDisallowed => "remove this line: a configuration needs no YAML directives",
        E::RecursionLimitExceeded => "the configuration is nested too deeply; no key needs this",
        E::BlockSequenceEntryNotAllowed | E::BlockEntryInFlowCollection => {
            "begin the list on a line of its own, each item with `- `"
        }
        E::CommentNotSeparated => "put a space before `#`",
        _ => "check this line and the one above; a text with special characters belongs in quotes",
    }
}
