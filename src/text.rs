//! Small pieces of wording that several modules need.

use std::fmt::Display;

/// All of them on one line, separated by semicolons.
pub fn list<T: Display>(items: &[T]) -> String {
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
