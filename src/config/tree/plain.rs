//! The plain part of YAML that configurations are written in, read directly: block mappings and lists, flow ones on one line, plain and
//! simply quoted texts, comments.
//!
//! PERF: ten times as fast as the whole language, which is most of the time of a reload. Whatever is not surely understood here, and
//! everything that is wrong, is left to the parser of the whole language: this one answers `None` and never guesses. A test holds
//! the two against one another.
//!
//! Here are lines and texts; `block` and `flow` are the two ways to put them together.

mod block;
mod flow;

use std::borrow::Cow;

use super::{Data, MAX_DEPTH, MAX_NODES, Node, narrow};
use crate::diagnostic::Place;

/// The tree of a text, as the parser of the whole language would build it; `None` if that one has to be asked.
pub(super) fn parse(text: &str) -> Option<Node<'_>> {
    let plain = |b: u8| b == b'\n' || (b' '..=b'~').contains(&b);
    if !text.bytes().all(plain) {
        return None;
    }
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
        line_start: 0,
        depth: 0,
        nodes: 0,
    };
    let root = match reader.next_line()? {
        Line::Content(0) => reader.mapping(0, None)?,
        _ => return None,
    };
    (reader.at == text.len()).then_some(root)
}

/// Some tens of microseconds.
const LINES_AT_A_TIME: usize = 256;

struct Reader<'s> {
    text: &'s str,
    at: usize,
    line: usize,
    line_start: usize,
    depth: usize,
    nodes: usize,
}

/// What comes after blank lines and comments.
enum Line {
    /// A line with something on it, indented this far; the reader stands on its first character.
    Content(usize),
    End,
}

impl Line {
    /// How far it is indented; the end is outside of everything.
    fn indent(&self) -> isize {
        match self {
            Line::Content(indent) => isize::try_from(*indent).unwrap_or(isize::MAX),
            Line::End => -1,
        }
    }
}

impl<'s> Reader<'s> {
    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// Whether a line ends `ahead` of here.
    fn is_end(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), None | Some(b'\n'))
    }

    fn skip_spaces(&mut self) {
        while self.byte(0) == Some(b' ') {
            self.at += 1;
        }
    }

    fn column(&self) -> usize {
        self.at - self.line_start
    }

    /// What stands between two places of this line.
    fn place(&self, from: usize, to: usize) -> Place {
        Place {
            line: narrow(self.line),
            column: narrow(from - self.line_start + 1),
            length: narrow((to - from).max(1)),
        }
    }

    fn node(&mut self, place: Place, data: Data<'s>) -> Option<Node<'s>> {
        self.nodes += 1;
        (self.nodes <= MAX_NODES).then_some(Node { place, data })
    }

    /// Leaves a line of which nothing but a comment is left, and all lines with nothing else after it.
    fn next_line(&mut self) -> Option<Line> {
        if self.line.is_multiple_of(LINES_AT_A_TIME) {
            // PERF: whoever serves a client goes first.
            std::thread::yield_now();
        }
        loop {
            let before = self.at;
            self.skip_spaces();
            match self.byte(0) {
                None => return Some(Line::End),
                Some(b'\n') => self.new_line(),
                // A comment stands at the beginning of a line or behind a space.
                Some(b'#') if self.at == self.line_start || self.at > before => self.skip_line(),
                Some(_) if before == self.line_start => {
                    let indent = self.column();
                    // Directives and the ends of documents.
                    let marker = ["---", "...", "%"];
                    let rest = self.text.get(self.at..)?;
                    let marks = indent == 0 && marker.iter().any(|mark| rest.starts_with(mark));
                    return (!marks).then_some(Line::Content(indent));
                }
                Some(_) => return None,
            }
        }
    }

    fn new_line(&mut self) {
        self.at += 1;
        self.line += 1;
        self.line_start = self.at;
    }

    fn skip_line(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// A plain text, without the spaces behind it.
    fn plain(&mut self, from: usize, to: usize) -> Option<Node<'s>> {
        let text = self.text.get(from..to)?.trim_end_matches(' ');
        let place = self.place(from, from + text.len());
        let text = Cow::Borrowed(text);
        self.node(place, Data::Scalar { text, plain: true })
    }

    /// A text in quotes in which nothing stands for something else.
    fn quoted(&mut self, quote: u8) -> Option<Node<'s>> {
        let from = self.at;
        self.at += 1;
        loop {
            match self.byte(0)? {
                b'\n' | b'\\' => return None,
                found if found == quote => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        if self.byte(0) == Some(quote) {
            return None;
        }
        let text = Cow::Borrowed(self.text.get(from + 1..self.at - 1)?);
        let place = self.place(from, self.at);
        let plain = false;
        self.node(place, Data::Scalar { text, plain })
    }
}

/// A word for nothing belongs to the key that has nothing.
fn pair<'s>(key: Node<'s>, mut value: Node<'s>) -> (Node<'s>, Node<'s>) {
    if value.is_null() {
        value.place = key.place;
    }
    (key, value)
}

/// Characters that begin a plain text in every place.
fn begins_plain(first: u8) -> bool {
    first.is_ascii_alphanumeric() || matches!(first, b'/' | b'_' | b'.')
}

#[cfg(test)]
mod tests;
