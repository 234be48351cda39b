//! Flow style on one line: `{ path: /x/, servers: [a, b] }`.

use super::{Reader, begins_plain, pair};
use crate::config::tree::{Data, Node};
use crate::diagnostic::Place;

impl<'s> Reader<'s> {
    pub(super) fn flow_mapping(&mut self, key: Option<Place>) -> Option<Node<'s>> {
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

    pub(super) fn flow_list(&mut self, key: Option<Place>) -> Option<Node<'s>> {
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
