use super::*;
use crate::config;
use crate::diagnostic::Source;

const FIRST: &str = "
listeners:
  - { listen: 127.0.0.1:8443, tls: {} }
  - { listen: 127.0.0.1:8080 }
tls: { certificates: [{ cert: a.pem, key: a.key }, { cert: b.pem, key: b.key }] }
servers:
  one: { kind: http, url: 'http://127.0.0.1:1' }
  two: { kind: icws, url: 'https://127.0.0.1:2', server_name: two.example.com }
hosts:
  a.example.com:
    routes:
      - { path: /x/, server: one }
      - { path: /y/, server: two }
  b.example.com: { server: one }
";

fn read(text: &str) -> Config {
    let source = Source::new("p.yaml", "/etc/portcullis", text);
    config::parse(&source).unwrap_or_else(|report| panic!("{report}"))
}

/// What becomes of the first text when these words in it are replaced.
fn told(replaced: &[(&str, &str)]) -> Vec<String> {
    let mut text = FIRST.to_owned();
    for (from, to) in replaced {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let (old, new) = (read(FIRST), read(&text));
    let contents = Contents::default();
    let lines = between((&old, &contents), (&new, &contents), Path::new(""));
    assert_eq!(lines.is_empty(), are_same(&old, &new), "{lines:?}");
    lines
}

#[test]
fn each_kind_of_change_is_told_in_the_words_of_the_file() {
    for (replaced, line) in [
        (
            ("b.example.com", "c.example.com"),
            "hosts added: c.example.com",
        ),
        (
            ("b.example.com", "c.example.com"),
            "hosts removed: b.example.com",
        ),
        (
            ("/x/, server: one", "/x/, server: two"),
            "host a.example.com: routes[/x/].server: one -> two",
        ),
        (
            ("{ path: /x/, server: one }", "{ path: /z/, server: one }"),
            "host a.example.com: routes[/z/] added; routes[/x/] removed",
        ),
        (
            ("{ server: one }", "{ server: two }"),
            "host b.example.com: server: one -> two",
        ),
        (
            ("1:2', server_name: two.example.com", "1:2', insecure: true"),
            "server two: insecure: false -> true; server_name removed: two.example.com",
        ),
        (
            ("127.0.0.1:1'", "127.0.0.1:9'"),
            "server one: url: http://127.0.0.1:1 -> http://127.0.0.1:9",
        ),
        (
            ("127.0.0.1:8080", "127.0.0.1:8081"),
            "listeners[127.0.0.1:8081] added",
        ),
        (
            ("127.0.0.1:8080", "127.0.0.1:8081"),
            "listeners[127.0.0.1:8080] removed",
        ),
        (
            ("tls: {}", "tls: { http2: false }"),
            "listeners[127.0.0.1:8443].tls.http2: true -> false",
        ),
        (
            (", { cert: b.pem, key: b.key }", ""),
            "tls.certificates[b.pem] removed",
        ),
        (
            (
                "\nservers:",
                "\nlimits: { requests: { rate: 300/s } }\nservers:",
            ),
            "limits.requests.rate: 200/s -> 300/s",
        ),
        (
            ("\nservers:", "\nlog: { level: debug }\nservers:"),
            "log.level: info -> debug",
        ),
    ] {
        let lines = told(&[replaced]);
        assert!(lines.iter().any(|told| told == line), "{line}\n{lines:#?}");
    }
}

#[test]
fn certificates_in_another_order_are_a_change() {
    let lines = told(&[(
        "{ cert: a.pem, key: a.key }, { cert: b.pem, key: b.key }",
        "{ cert: b.pem, key: b.key }, { cert: a.pem, key: a.key }",
    )]);
    assert_eq!(lines, ["tls.certificates: in another order"]);
}

#[test]
fn a_name_in_other_letters_is_a_change_and_another_way_of_writing_is_none() {
    assert_eq!(
        told(&[("  one: {", "  One: {")]),
        ["server One: was one; changed"]
    );
    assert_eq!(
        told(&[
            ("\nservers:", "\n# a remark\n\nservers:"),
            ("{ server: one }", "\n    server:   'one'")
        ]),
        [""; 0]
    );
}

#[test]
fn a_change_of_everything_is_still_a_few_lines() {
    let hosts = |server: &str| -> String {
        let hosts = (0..500).map(|n| format!("  h{n}.example.com: {{ server: {server} }}\n"));
        FIRST.to_owned() + &hosts.collect::<String>()
    };
    let contents = Contents::default();
    let (none, one, two) = (read(FIRST), read(&hosts("one")), read(&hosts("two")));
    let changed = between((&one, &contents), (&two, &contents), Path::new(""));
    assert_eq!(changed.len(), SHOWN + 1);
    assert_eq!(changed.last().unwrap(), "and 480 more hosts changed");
    let added = between((&none, &contents), (&one, &contents), Path::new(""));
    assert_eq!(added.len(), 1);
    assert!(
        added[0].ends_with("h19.example.com and 480 more"),
        "{added:?}"
    );
}
