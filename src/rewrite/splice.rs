//! A byte string with some of its pieces replaced, copied only if there is at least one.
//!
//! Pieces are replaced from left to right; everything between them stays byte for byte.

use std::borrow::Cow;
use std::ops::Range;

pub(super) struct Splice<'a> {
    source: &'a [u8],
    changed: Option<Vec<u8>>,
    copied: usize,
}

impl<'a> Splice<'a> {
    pub(super) fn new(source: &'a [u8]) -> Self {
        Splice {
            source,
            changed: None,
            copied: 0,
        }
    }

    /// Puts `pieces` where `range` is. Ranges come in order and do not overlap; one that does is ignored.
    pub(super) fn replace(&mut self, range: Range<usize>, pieces: &[&[u8]]) {
        let Some(kept) = self.source.get(self.copied..range.start) else {
            return;
        };
        if range.end < range.start || range.end > self.source.len() {
            return;
        }
        let added: usize = pieces.iter().map(|p| p.len()).sum();
        let room = self.source.len() + added;
        let out = self.changed.get_or_insert_with(|| Vec::with_capacity(room));
        out.extend_from_slice(kept);
        for piece in pieces {
            out.extend_from_slice(piece);
        }
        self.copied = range.end;
    }

    pub(super) fn finish(self) -> Cow<'a, [u8]> {
        match self.changed {
            None => Cow::Borrowed(self.source),
            Some(mut out) => {
                out.extend_from_slice(self.source.get(self.copied..).unwrap_or_default());
                Cow::Owned(out)
            }
        }
    }
}

/// Where `part` lies in `whole`, of which it must be a piece.
pub(super) fn range_of(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_replaced_is_nothing_copied() {
        assert!(matches!(
            Splice::new(b"abc").finish(),
            Cow::Borrowed(b"abc")
        ));
    }

    #[test]
    fn pieces_are_replaced_and_the_rest_stays() {
        let source = b"one two three";
        let mut splice = Splice::new(source);
        splice.replace(range_of(source, &source[4..7]), &[b"2", b"nd"]);
        splice.replace(8..13, &[]);
        splice.replace(13..13, &[b"!"]);
        assert_eq!(&*splice.finish(), b"one 2nd !");
    }

    #[test]
    fn a_range_out_of_order_or_out_of_bounds_is_ignored() {
        let mut splice = Splice::new(b"abcdef");
        splice.replace(3..4, &[b"X"]);
        splice.replace(1..2, &[b"Y"]);
        splice.replace(5..9, &[b"Z"]);
        assert_eq!(&*splice.finish(), b"abcXef");
    }
}
