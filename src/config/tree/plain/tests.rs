//! The plain reader against the parser of the whole language: where the first answers, the second says the same.

use std::path::Path;

use proptest::prelude::*;

use super::super::parse_whole;

/// Whether the plain reader answered. Where it does, the other agrees in every node and place.
fn agrees(text: &str) -> bool {
    let Some(plain) = super::parse(text) else {
        return false;
    };
    match parse_whole(text) {
        Ok(whole) => assert_eq!(plain, whole, "{text}"),
        Err(wrong) => panic!("{text}\nis wrong: {wrong:?}"),
    }
    true
}

fn yaml_in(folder: &str, found: &mut Vec<String>) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(top.join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_file_of_the_tests_is_read_as_by_the_whole_language() {
    let mut files = Vec::new();
    for folder in [
        "conf",
        "tests/fixtures/config/valid",
        "tests/fixtures/config/invalid",
        "tests/fixtures/config/compile",
    ] {
        yaml_in(folder, &mut files);
    }
    let plain = files.iter().filter(|text| agrees(text)).count();
    assert!(plain > files.len() / 2, "{plain} of {}", files.len());
}

#[test]
fn what_a_configuration_is_written_in_is_plain() {
    for text in [
        "a: 1\n",
        "a: 1",
        "# remark\n\na: b c  # and why\n  # more\nb: /x/\n",
        "a:\n  b: c\n  d:\n    - e\n    - f: g\n      h: i\n    - { j: k, l: [m, n] }\no: {}\np: []\n",
        "a:\n- b\n- c: d\n  e: f\ng: h\n",
        "hosts:\n  proxy.example.com:8444: { server: one }\n  \"[::1]:443\": { server: 'two' }\n",
        "url: https://a.b:1/c/\nb: { url: https://a:1, c: \"x: y # z\" }\n",
        "a: { path: \"/apps/{server}/\", servers: [ one, two ] }\n",
    ] {
        assert!(agrees(text), "{text}");
    }
}

#[test]
fn what_is_not_plain_is_left_to_the_whole_language() {
    for text in [
        "",
        "- a\n",
        "a: &b c\n",
        "a: *b\n",
        "a: !x b\n",
        "a: |\n  b\n",
        "a: b\n  c\n",
        "a:\n",
        "a: \"b\\n\"\n",
        "a: 'b''c'\n",
        "a: [b,\n  c]\n",
        "a: [b, c,]\n",
        "a: [b: c]\n",
        "a: {b}\n",
        "---\na: b\n",
        "a: b\n---\nc: d\n",
        "%YAML 1.2\n",
        "\ta: b\n",
        "a: b: c\n",
        "a: b\n c: d\n",
        "  a: b\nc: d\n",
        "a:\n  - b\n c: d\n",
        "? a\n: b\n",
        "a: \"b\" c\n",
        "a: {b: c} d\n",
        "a: {b: c}d: e\n",
        "a: \u{e4}\n",
        "a: -b\n",
        "a: b\r\n",
    ] {
        assert!(super::parse(text).is_none(), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Lines made of what lines are made of, indented at will.
    #[test]
    fn where_it_answers_the_whole_language_agrees(
        lines in prop::collection::vec((0_usize..5, prop::collection::vec(piece(), 0..7)), 0..8),
    ) {
        let text: String = lines
            .iter()
            .map(|(indent, pieces)| format!("{}{}\n", " ".repeat(*indent), pieces.concat()))
            .collect();
        agrees(&text);
        agrees(text.trim_end_matches('\n'));
    }

    /// A good text in which a few characters are others.
    #[test]
    fn so_it_does_for_a_good_text_with_a_mistake_in_it(
        changes in prop::collection::vec((any::<prop::sample::Index>(), piece()), 0..3),
    ) {
        let mut text = String::from(
            "a:\n  - { b: c, d: [e, \"f g\"] }\n  - h: i\n    j:\n      k: 'l'  # m\nn: { o: https://p:1/q }\nr.s:8444:\n  t: u v\n",
        );
        for (at, piece) in changes {
            let at = at.index(text.len());
            text.replace_range(at..=at, piece);
        }
        agrees(&text);
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b1",
        "/x/",
        "c.d",
        ": ",
        ":",
        " ",
        "  ",
        "- ",
        "-",
        "{",
        "}",
        "{ ",
        " }",
        "[",
        "]",
        ", ",
        ",",
        "#",
        " # e",
        "\"",
        "'",
        "\"f: g\"",
        "'h'",
        "a: b",
        "k:",
        "- l",
        "{ m: n }",
        "[o, p]",
        "*",
        "&",
        "!",
        "?",
        "|",
        ">",
        "%",
        "@",
        "`",
        "~",
        "null",
        "\\",
        "=",
        "<<",
        "---",
        "...",
        "https://q:1",
        "0x1",
    ])
}
