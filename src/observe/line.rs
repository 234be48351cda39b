//! Log lines stay lines: whatever a client or a server chose is bounded and escaped before it is written.
//!
//! [`Quoted`] is one value within a line. [`Lines`] is the logger itself, and so holds for what libraries say too.
//!
//! ```
//! use portcullis::observe::line::Quoted;
//! assert_eq!(Quoted("/a\nb\"c").to_string(), r#""/a\nb\"c""#);
//! let long = Quoted(&"x".repeat(1000)).to_string();
//! assert!(long.ends_with("xxx\" (and 700 more bytes)"));
//! ```

use std::fmt::{self, Write};

use log::{Log, Metadata, Record};

/// Characters of one value that are shown.
const VALUE: usize = 300;
/// Characters of a whole message.
const MESSAGE: usize = 4000;
/// What speaks of the operator's own file, in as many lines as it takes.
const REPORTS: &str = "portcullis::reload";

/// A value that somebody else chose, between quotes.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_char('"')?;
        let mut shown = Shown::new(&mut *out, VALUE);
        shown.quotes = true;
        shown.write_str(self.0)?;
        let dropped = shown.dropped;
        out.write_char('"')?;
        and_more(out, dropped)
    }
}

/// The same without quotes, for what is a sentence of its own.
#[derive(Debug, Clone, Copy)]
pub struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = Shown::new(&mut *out, VALUE);
        shown.write_str(self.0)?;
        let dropped = shown.dropped;
        and_more(out, dropped)
    }
}

fn and_more(out: &mut impl Write, dropped: usize) -> fmt::Result {
    match dropped {
        0 => Ok(()),
        1 => out.write_str(" (and 1 more byte)"),
        more => write!(out, " (and {more} more bytes)"),
    }
}

/// Lets so many characters through, each so that it can neither end a line nor colour a terminal nor turn the text around.
struct Shown<W> {
    out: W,
    left: usize,
    dropped: usize,
    /// Quotes and backslashes are escaped too.
    quotes: bool,
}

impl<W: Write> Shown<W> {
    fn new(out: W, most: usize) -> Self {
        Shown {
            out,
            left: most,
            dropped: 0,
            quotes: false,
        }
    }
}

impl<W: Write> Write for Shown<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (at, character) in text.char_indices() {
            let Some(left) = self.left.checked_sub(1) else {
                self.dropped += text.len() - at;
                return Ok(());
            };
            self.left = left;
            let plain = character == '\'' || !self.quotes && matches!(character, '"' | '\\');
            match plain {
                true => self.out.write_char(character)?,
                false => write!(self.out, "{}", character.escape_debug())?,
            }
        }
        Ok(())
    }
}

fn on_one_line(message: &fmt::Arguments<'_>) -> String {
    let mut shown = Shown::new(String::new(), MESSAGE);
    // A value that cannot be written leaves its line as long as it got.
    let _ = write!(shown, "{message}");
    let Shown {
        out: mut text,
        dropped,
        ..
    } = shown;
    let _ = and_more(&mut text, dropped);
    text
}

/// The further lines of a message, so that they are not taken for messages. Nothing stands at the end of a line, and no empty one at the end.
fn set_in(message: &str) -> String {
    let mut lines = message.trim_end().lines();
    let mut text = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        text.push('\n');
        if !line.is_empty() {
            text.push_str("    ");
            text.push_str(line);
        }
    }
    text
}

/// A number with its word, which is in the plural but for one.
///
/// ```
/// use portcullis::observe::line::counted;
/// assert_eq!(counted(1, "refusal"), "1 refusal");
/// assert_eq!(counted(2, "refusal"), "2 refusals");
/// ```
pub fn counted<N: fmt::Display + PartialEq + From<u8>>(number: N, word: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {word}{plural}")
}

/// The same with its verb: `1 line was`, `2 lines were`.
pub fn counted_were<N: fmt::Display + PartialEq + From<u8>>(number: N, word: &str) -> String {
    let verb = if number == N::from(1) { "was" } else { "were" };
    format!("{} {verb}", counted(number, word))
}

/// A logger whose messages are each one bounded line, whoever writes them.
pub struct Lines<L>(pub L);

impl<L: Log> Log for Lines<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = match record.target() {
            REPORTS => set_in(&record.args().to_string()),
            _ => on_one_line(record.args()),
        };
        self.0.log(
            &Record::builder()
                .metadata(record.metadata().clone())
                .module_path(record.module_path())
                .file(record.file())
                .line(record.line())
                .args(format_args!("{text}"))
                .build(),
        );
    }

    fn flush(&self) {
        self.0.flush();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl Log for Kept {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &Record<'_>) {
            let line = record.args().to_string();
            self.0.lock().expect("whole").push(line);
        }

        fn flush(&self) {}
    }

    fn logged(target: &str, message: &str) -> String {
        let lines = Lines(Kept::default());
        let args = format_args!("{message}");
        lines.log(&Record::builder().target(target).args(args).build());
        lines.0.0.into_inner().expect("whole").concat()
    }

    #[test]
    fn nothing_ends_a_line_or_turns_a_terminal_around() {
        for foul in [
            "\n", "\r", "\0", "\x1b", "\x7f", "\u{85}", "\u{2028}", "\u{202e}",
        ] {
            for shown in [
                Quoted(foul).to_string(),
                Plain(foul).to_string(),
                logged("pingora_core", foul),
            ] {
                assert!(!shown.contains(foul), "{shown:?}");
                assert!(shown.contains('\\'), "{shown:?}");
            }
        }
        assert_eq!(Quoted("é ü '").to_string(), "\"é ü '\"");
    }

    #[test]
    fn a_message_is_bounded_however_long_its_values_are() {
        let line = logged("h2", &"\u{202e}".repeat(1_000_000));
        assert!(line.len() < 10 * MESSAGE + 100, "{}", line.len());
        assert!(line.ends_with(" more bytes)"));
        let value = Quoted(&"\\".repeat(1_000_000)).to_string();
        assert!(value.len() < 2 * VALUE + 50, "{}", value.len());
    }

    #[test]
    fn a_report_of_the_operators_file_keeps_its_lines_and_none_is_of_spaces_only() {
        let report = "refused:\np.yaml:1:1: error: m\n  = help: h\n\np.yaml: 1 error\n";
        let expected = "refused:\n    p.yaml:1:1: error: m\n      = help: h\n\n    p.yaml: 1 error";
        assert_eq!(logged(REPORTS, report), expected);
    }
}
