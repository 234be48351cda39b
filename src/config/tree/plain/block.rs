//! Block style: what belongs together by how far it is indented.

use super::{Line, Reader, begins_plain, pair};
use crate::config::tree::{Data, Node};
use crate::diagnostic::Place;

impl<'s> Reader<'s> {
    pub(super) fn mapping(&mut self, indent: usize, key: Option<Place>) -> Option<Node<'s>> {
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
}
