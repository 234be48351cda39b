//! The selectors in a PromQL expression: enough of its grammar to find them.
//!
//! ```ignore
//! assert_eq!(selectors("sum by (up) (rate(a_total{x=\"}\"}[5m])) / b"), ["a_total{x=\"}\"}"]);     // for names that are known
//! ```

use super::names::is_metric;

/// Every metric with its matchers, in order.
pub fn selectors(expression: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(is_word) {
        let word = rest.split_at(start).1;
        let end = word.find(|c| !is_word(c)).unwrap_or(word.len());
        let (name, after) = word.split_at(end);
        let matchers = match after.starts_with('{') {
            true => braces(after),
            false => "",
        };
        if is_metric(name) {
            found.push(format!("{name}{matchers}"));
        }
        rest = after.split_at(matchers.len()).1;
    }
    found
}

/// The names alone.
pub fn metrics(expression: &str) -> Vec<String> {
    let name = |selector: String| selector.split('{').next().unwrap().to_owned();
    selectors(expression).into_iter().map(name).collect()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// From the opening brace to the closing one that is in no string.
fn braces(text: &str) -> &str {
    let mut quoted = false;
    let closing = text.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        !quoted && *c == '}'
    });
    let end = closing.unwrap_or_else(|| panic!("no end of {text}")).0;
    text.split_at(end + 1).0
}

#[test]
fn selectors_are_found_with_their_matchers_and_nothing_else_is() {
    let expression = r#"sum by (job, le) (rate(portcullis_requests_total{code=~"5..",route="a/{server}/"}[5m])) / on (instance) up > 0.5 or a:portcullis_b:rate5m"#;
    let found = selectors(expression);
    let expected = [
        r#"portcullis_requests_total{code=~"5..",route="a/{server}/"}"#,
        "up",
        "a:portcullis_b:rate5m",
    ];
    assert_eq!(found, expected);
}
