//! The plain part of YAML that configurations are written in, read directly: block mappings and lists, flow ones on one line, plain and
//! simply quoted texts, comments.
//!
//! PERF: ten times as fast as the whole language, which is most of the time of a reload. Whatever is not surely understood here, and
//! everything that is wrong, is left to the parser of the whole language: this one answers `None` and never guesses. A test holds
//! the two against one another.

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

    fn mapping(&mut self, indent: usize, key: Option<Place>) -> Option<Node<'s>> {
        self.deeper(|reader| reader.mapping_here(indent, key))
    }

    /// A block mapping; the reader stands on its first key.
    fn mapping_here(&mut self, indent: usize, of: Option<Place>) -> Option<Node<'s>> {
        let here = isize::try_from(indent).ok()?;
        let start = self.place(self.at, self.at);
        // PERF: most mappings have two keys, and there are as many mappings as routes.
        let mut pairs = Vec::with_capacity(2);
        loop {
            let key = self.block_key()?;
            self.skip_spaces();
            let (value, next) = if self.is_end(0) || self.byte(0) == Some(b'#') {
                match self.next_line()? {
                    Line::Content(deeper) if deeper > indent => {
                        let value = self.block(deeper, Some(key.place))?;
                        (value, self.line_now()?)
                    }
                    // A list may stand as far left as the key that it belongs to.
                    Line::Content(same) if same == indent && self.is_dash() => {
                        let value = self.list(same, Some(key.place))?;
                        (value, self.line_now()?)
                    }
                    _ => return None,
                }
            } else {
                let value = self.inline(Some(key.place))?;
                (value, self.next_line()?)
            };
            pairs.push(pair(key, value));
            match next.indent() {
                next if next < here => break,
                next if next == here && !self.is_dash() => {}
                _ => return None,
            }
        }
        self.node(of.unwrap_or(start), Data::Map(pairs))
    }

    /// Where the reader stands once more, after a block that ended because of this line.
    fn line_now(&mut self) -> Option<Line> {
        if self.byte(0).is_none() {
            return Some(Line::End);
        }
        Some(Line::Content(self.column()))
    }

    fn is_dash(&self) -> bool {
        self.byte(0) == Some(b'-') && (self.is_end(1) || self.byte(1) == Some(b' '))
    }

    fn block(&mut self, indent: usize, key: Option<Place>) -> Option<Node<'s>> {
        if self.is_dash() {
            self.list(indent, key)
        } else {
            self.mapping(indent, key)
        }
    }

    fn list(&mut self, indent: usize, key: Option<Place>) -> Option<Node<'s>> {
        self.deeper(|reader| reader.list_here(indent, key))
    }

    /// A block list; the reader stands on its first dash.
    fn list_here(&mut self, indent: usize, of: Option<Place>) -> Option<Node<'s>> {
        let here = isize::try_from(indent).ok()?;
        let start = self.place(self.at, self.at);
        let mut items = Vec::new();
        loop {
            self.at += 1;
            self.skip_spaces();
            if self.is_end(0) || self.byte(0) == Some(b'#') || self.is_dash() {
                return None;
            }
            let column = self.column();
            let (item, next) = if self.begins_mapping() {
                let item = self.mapping(column, None)?;
                (item, self.line_now()?)
            } else {
                let item = self.inline(None)?;
                (item, self.next_line()?)
            };
            items.push(item);
            match next.indent() {
                next if next == here && self.is_dash() => {}
                // Less than here, or a key that this list belongs to: whoever is outside decides.
                next if next <= here => break,
                _ => return None,
            }
        }
        self.node(of.unwrap_or(start), Data::List(items))
    }

    /// Whether what stands here is a key and not a whole value. Looks, and goes nowhere.
    fn begins_mapping(&mut self) -> bool {
        let (at, nodes) = (self.at, self.nodes);
        let is_key = self.block_key().is_some();
        (self.at, self.nodes) = (at, nodes);
        is_key
    }

    /// A key with its colon.
    fn block_key(&mut self) -> Option<Node<'s>> {
        let key = match self.byte(0)? {
            quote @ (b'"' | b'\'') => self.quoted(quote)?,
            first if begins_plain(first) => {
                let from = self.at;
                loop {
                    match self.byte(0)? {
                        b'\n' => return None,
                        b':' if self.is_end(1) || self.byte(1) == Some(b' ') => break,
                        b'#' if self.text.as_bytes().get(self.at - 1) == Some(&b' ') => {
                            return None;
                        }
                        _ => self.at += 1,
                    }
                }
                self.plain(from, self.at)?
            }
            _ => return None,
        };
        // The whole language allows a key of 1024 characters.
        let colon = self.byte(0) == Some(b':')
            && (self.is_end(1) || self.byte(1) == Some(b' '))
            && key.place.length < 500;
        self.at += 1;
        colon.then_some(key)
    }

    /// A value that begins and ends on this line.
    fn inline(&mut self, key: Option<Place>) -> Option<Node<'s>> {
        let value = match self.byte(0)? {
            quote @ (b'"' | b'\'') => self.quoted(quote)?,
            b'{' => self.flow_mapping(key)?,
            b'[' => self.flow_list(key)?,
            first if begins_plain(first) => {
                let from = self.at;
                loop {
                    match self.byte(0) {
                        None | Some(b'\n') => break,
                        // A second key on the line is a mistake.
                        Some(b':') if self.is_end(1) || self.byte(1) == Some(b' ') => return None,
                        Some(b' ') if self.byte(1) == Some(b'#') => break,
                        Some(_) => self.at += 1,
                    }
                }
                return self.plain(from, self.at);
            }
            _ => return None,
        };
        // Nothing else on the line but a comment.
        let after = self.at;
        self.skip_spaces();
        let comment = self.byte(0) == Some(b'#') && self.at > after;
        let alone = self.is_end(0) || comment;
        self.at = after;
        alone.then_some(value)
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

    fn flow_mapping(&mut self, key: Option<Place>) -> Option<Node<'s>> {
        self.deeper(|reader| reader.flow_mapping_here(key))
    }

    fn flow_mapping_here(&mut self, of: Option<Place>) -> Option<Node<'s>> {
        let start = self.place(self.at, self.at + 1);
        self.at += 1;
        self.skip_spaces();
        // PERF: most mappings have two keys, and there are as many mappings as routes.
        let mut pairs = Vec::with_capacity(2);
        while self.byte(0)? != b'}' {
            let key = self.flow_text()?;
            if self.byte(0) != Some(b':') || self.byte(1) != Some(b' ') {
                return None;
            }
            self.at += 1;
            self.skip_spaces();
            let value = self.flow_value(Some(key.place))?;
            pairs.push(pair(key, value));
            self.comma(b'}')?;
        }
        self.at += 1;
        self.node(of.unwrap_or(start), Data::Map(pairs))
    }

    fn flow_list(&mut self, key: Option<Place>) -> Option<Node<'s>> {
        self.deeper(|reader| reader.flow_list_here(key))
    }

    fn flow_list_here(&mut self, of: Option<Place>) -> Option<Node<'s>> {
        let start = self.place(self.at, self.at + 1);
        self.at += 1;
        self.skip_spaces();
        let mut items = Vec::new();
        while self.byte(0)? != b']' {
            let item = self.flow_value(None)?;
            items.push(item);
            self.comma(b']')?;
        }
        self.at += 1;
        self.node(of.unwrap_or(start), Data::List(items))
    }

    /// What stands between two items, or before the end.
    fn comma(&mut self, end: u8) -> Option<()> {
        self.skip_spaces();
        match self.byte(0)? {
            b',' => {
                self.at += 1;
                self.skip_spaces();
                // A comma before the end is another matter.
                (self.byte(0)? != end).then_some(())
            }
            found => (found == end).then_some(()),
        }
    }

    fn flow_value(&mut self, key: Option<Place>) -> Option<Node<'s>> {
        match self.byte(0)? {
            b'{' => self.flow_mapping(key),
            b'[' => self.flow_list(key),
            _ => self.flow_text(),
        }
    }

    /// A text inside of brackets, which ends at more characters than elsewhere.
    fn flow_text(&mut self) -> Option<Node<'s>> {
        match self.byte(0)? {
            quote @ (b'"' | b'\'') => {
                let text = self.quoted(quote)?;
                matches!(self.byte(0)?, b' ' | b',' | b']' | b'}' | b':').then_some(text)
            }
            first if begins_plain(first) => {
                let from = self.at;
                loop {
                    match self.byte(0)? {
                        b',' | b']' | b'}' => break,
                        b'{' | b'[' | b'\n' | b'#' | b'?' => return None,
                        b':' => match self.byte(1)? {
                            b' ' => break,
                            b',' | b']' | b'}' | b'{' | b'[' | b'\n' => return None,
                            _ => self.at += 1,
                        },
                        _ => self.at += 1,
                    }
                }
                self.plain(from, self.at)
            }
            _ => None,
        }
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
