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

/// `1 host`, `2 hosts`.
pub fn count(number: usize, singular: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {singular}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!(
            [0, 1, 2].map(|number| count(number, "host")),
            ["0 hosts", "1 host", "2 hosts"]
        );
    }
}
