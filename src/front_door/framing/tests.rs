use proptest::prelude::*;

use super::*;

fn head(lines: &[&str]) -> Vec<u8> {
    let mut head = lines.join("\r\n").into_bytes();
    head.extend_from_slice(b"\r\n\r\n");
    head
}

fn get(fields: &[&str]) -> Result<HeadFacts, Reason> {
    let mut lines = vec!["GET /a?b=c HTTP/1.1", "Host: a.example"];
    lines.extend(fields);
    check(&head(&lines))
}

#[test]
fn request_lines_are_read_to_the_letter() {
    use Reason::{BadHost, MalformedHead as Bad, MethodNotAllowed as Method, Version};
    let table: &[(&str, Option<Reason>)] = &[
        ("GET / HTTP/1.1", None),
        ("HEAD /x HTTP/1.0", None),
        ("POST /x HTTP/1.1", None),
        ("PUT /x HTTP/1.1", None),
        ("DELETE /x HTTP/1.1", None),
        ("PATCH /x HTTP/1.1", None),
        ("OPTIONS /x HTTP/1.1", None),
        ("GET //x HTTP/1.1", None),
        ("GET /a%20b;c=d/..?q=[1]|{2} HTTP/1.1", None),
        ("GET http://a.example/x HTTP/1.1", None),
        ("GET HTTPS://A.Example/x HTTP/1.1", None),
        ("GET http://a.example HTTP/1.1", None),
        ("GET http://a.example?q HTTP/1.1", None),
        ("GET http://b.example/x HTTP/1.1", Some(BadHost)),
        ("GET http://a.example:80/x HTTP/1.1", Some(BadHost)),
        ("GET http://u@a.example/x HTTP/1.1", Some(BadHost)),
        ("GET http:///x HTTP/1.1", Some(BadHost)),
        ("GET ftp://a.example/x HTTP/1.1", Some(Bad)),
        ("GET http:/x HTTP/1.1", Some(Bad)),
        ("GET a.example HTTP/1.1", Some(Bad)),
        ("GET a.example:443 HTTP/1.1", Some(Bad)),
        ("GET * HTTP/1.1", Some(Bad)),
        ("OPTIONS * HTTP/1.1", Some(Bad)),
        ("CONNECT a.example:443 HTTP/1.1", Some(Method)),
        ("TRACE / HTTP/1.1", Some(Method)),
        ("get / HTTP/1.1", Some(Method)),
        ("Get / HTTP/1.1", Some(Method)),
        ("PROPFIND / HTTP/1.1", Some(Method)),
        ("GETX / HTTP/1.1", Some(Method)),
        ("PRI * HTTP/2.0", Some(Version)),
        ("GET / HTTP/1.2", Some(Version)),
        ("GET / HTTP/2.0", Some(Version)),
        ("GET / HTTP/0.9", Some(Version)),
        ("GET / HTTP/1.10", Some(Bad)),
        ("GET / http/1.1", Some(Bad)),
        ("GET / HTTP/1", Some(Bad)),
        ("GET / HTTP/1.1 ", Some(Bad)),
        ("GET / HTTP/1.1\t", Some(Bad)),
        ("GET /", Some(Bad)),
        ("GET", Some(Bad)),
        ("", Some(Bad)),
        (" GET / HTTP/1.1", Some(Bad)),
        ("GET  / HTTP/1.1", Some(Bad)),
        ("GET /  HTTP/1.1", Some(Bad)),
        ("GET\t/ HTTP/1.1", Some(Bad)),
        ("GET /a b HTTP/1.1", Some(Bad)),
        ("GET /a#b HTTP/1.1", Some(Bad)),
        ("GET /\u{e9} HTTP/1.1", Some(Bad)),
        ("GET /\0 HTTP/1.1", Some(Bad)),
        ("GET /\x7f HTTP/1.1", Some(Bad)),
        ("G(T / HTTP/1.1", Some(Bad)),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2", Some(Bad)),
    ];
    for (line, expected) in table {
        let got = check(&head(&[line, "Host: a.example"])).err();
        assert_eq!(got, *expected, "{line:?}");
    }
}

#[test]
fn the_authority_of_an_absolute_target_is_located() {
    let bytes = head(&["GET http://a.example/x HTTP/1.1", "Host: a.example"]);
    let range = check(&bytes).expect("passes").authority.expect("located");
    assert_eq!(&bytes[range], b"http://a.example");
    assert_eq!(get(&[]).expect("passes").authority, None);
}

#[test]
fn hosts_that_two_readers_could_take_for_different_ones_are_refused() {
    for good in [
        "a.example",
        "A.EXAMPLE",
        "a.example.",
        "a_b.example",
        "localhost",
        "a.example:8443",
        "192.0.2.1",
        "192.0.2.1:1",
        "[2001:db8::1]",
        "[2001:db8::1]:443",
        "a.example:65535",
    ] {
        let got = check(&head(&["GET / HTTP/1.1", &format!("Host: {good}")]));
        assert!(got.is_ok(), "{good} {got:?}");
    }
    for bad in [
        "",
        " ",
        "a.example:",
        "a.example:0",
        "a.example:065",
        "a.example:65536",
        "a.example:+80",
        "a.example:99999999999",
        "u@a.example",
        "a..example",
        ".a.example",
        "a.example..",
        "a.example/",
        "a.example,b.example",
        "a b",
        "a%2eexample",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[::g]",
        "::1",
        "a.example:80:80",
        "a\\b",
        "a?b",
        "*",
        "é",
    ] {
        let got = check(&head(&["GET / HTTP/1.1", &format!("Host: {bad}")])).err();
        let expected = if bad.is_ascii() {
            Reason::BadHost
        } else {
            Reason::MalformedHead
        };
        assert_eq!(got, Some(expected), "{bad:?}");
    }
    assert_eq!(check(&head(&["GET / HTTP/1.1"])), Err(Reason::BadHost));
    assert_eq!(
        check(&head(&["GET / HTTP/1.0", "X: y"])),
        Err(Reason::BadHost)
    );
    assert_eq!(get(&["Host: a.example"]), Err(Reason::BadHost));
    assert_eq!(get(&["hOST: b.example"]), Err(Reason::BadHost));
}

#[test]
fn a_length_is_stated_once_and_in_one_way() {
    use Reason::{AmbiguousLength as Length, MalformedHead as Bad, TransferCoding as Coding};
    let table: &[(&[&str], Result<Body, Reason>)] = &[
        (&[], Ok(Body::None)),
        (&["Content-Length: 0"], Ok(Body::None)),
        (&["content-length:5"], Ok(Body::Length(5))),
        (&["Content-Length: \t 5 \t"], Ok(Body::Length(5))),
        (
            &["Content-Length: 9223372036854775807"],
            Ok(Body::Length(i64::MAX as u64)),
        ),
        (&["Transfer-Encoding: chunked"], Ok(Body::Chunked)),
        (&["Transfer-Encoding: Chunked "], Ok(Body::Chunked)),
        (&["Content-Length: 9223372036854775808"], Err(Length)),
        (&["Content-Length: 99999999999999999999999"], Err(Length)),
        (&["Content-Length: "], Err(Length)),
        (&["Content-Length: +5"], Err(Length)),
        (&["Content-Length: -5"], Err(Length)),
        (&["Content-Length: 0x5"], Err(Length)),
        (&["Content-Length: 05"], Err(Length)),
        (&["Content-Length: 00"], Err(Length)),
        (&["Content-Length: 5 5"], Err(Length)),
        (&["Content-Length: 5, 5"], Err(Length)),
        (&["Content-Length: 5,"], Err(Length)),
        (&["Content-Length: 5", "Content-Length: 5"], Err(Length)),
        (&["Content-Length: 5", "content-length: 6"], Err(Length)),
        (&["Content-Length: 0", "Content-Length: 0"], Err(Length)),
        (
            &["Content-Length: 5", "Transfer-Encoding: chunked"],
            Err(Length),
        ),
        (
            &["Transfer-Encoding: chunked", "Content-Length: 0"],
            Err(Length),
        ),
        (
            &["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
            Err(Length),
        ),
        (&["Transfer-Encoding: chunked, chunked"], Err(Coding)),
        (&["Transfer-Encoding: gzip, chunked"], Err(Coding)),
        (&["Transfer-Encoding: gzip"], Err(Coding)),
        (&["Transfer-Encoding: identity"], Err(Coding)),
        (&["Transfer-Encoding: chunked, identity"], Err(Coding)),
        (&["Transfer-Encoding: xchunked"], Err(Coding)),
        (&["Transfer-Encoding: chunked;q=1"], Err(Coding)),
        (&["Transfer-Encoding: \"chunked\""], Err(Coding)),
        (&["Transfer-Encoding:"], Err(Coding)),
        (&["Transfer-Encoding: \u{b}chunked"], Err(Bad)),
        (&["Transfer-Encoding : chunked"], Err(Bad)),
        (&["Transfer_Encoding: chunked"], Err(Bad)),
        (&["Content_Length: 5"], Err(Bad)),
        (&["Upgrade: websocket"], Ok(Body::None)),
        (&["Upgrade: websocket", "Content-Length: 0"], Ok(Body::None)),
        (&["Upgrade: websocket", "Content-Length: 5"], Err(Length)),
        (
            &["Transfer-Encoding: chunked", "Upgrade: websocket"],
            Err(Length),
        ),
    ];
    for (fields, expected) in table {
        assert_eq!(get(fields).map(|facts| facts.body), *expected, "{fields:?}");
    }
    let old = head(&["POST / HTTP/1.0", "Host: a", "Transfer-Encoding: chunked"]);
    assert_eq!(check(&old), Err(Reason::AmbiguousLength));
}

#[test]
fn field_lines_that_break_the_grammar_are_refused() {
    for bad in [
        "X : y",
        "X\t: y",
        ": y",
        "X",
        "X y: z",
        "X\0: y",
        "X: \0",
        "X: \x01",
        "X: \x7f",
        "X: \u{80}",
        "X: é",
        " X: y",
        "\tX: y",
        "X(: y",
        "X: a\rb",
        "X: a\nb",
        "X: a\n b",
        "X\n: a",
        "\rX: y",
        "X: y\r",
        "X: y\n",
        "\"X\": y",
        "X/Y: z",
        "X_Forwarded_For: 1",
        "x_forwarded-for: 1",
        "ININ_ICWS_Original_URL: x",
        "X_Real_IP: 1",
    ] {
        assert_eq!(get(&[bad]), Err(Reason::MalformedHead), "{bad:?}");
    }
    for good in [
        "X:y",
        "X:",
        "X: a b\tc",
        "my_field: 1",
        "!#$%&'*+-.^_`|~: z",
        "X-Forwarded-For: 1",
        "Cookie: a=b; c_d=e",
        "cookie: name=J\u{f6}rg",
    ] {
        assert!(get(&[good]).is_ok(), "{good:?}");
    }
}

#[test]
fn a_folded_line_is_refused() {
    assert_eq!(get(&["X: a", " b"]), Err(Reason::MalformedHead));
    assert_eq!(
        get(&["X: a", "\tContent-Length: 5"]),
        Err(Reason::MalformedHead)
    );
}

#[test]
fn line_ends_are_crlf_and_the_empty_line_is_the_end() {
    for bad in [
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\rHost: a\r\r",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nX",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\n\r\n",
        "\n",
        "",
        "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
    ] {
        assert_eq!(check(bad.as_bytes()), Err(Reason::MalformedHead), "{bad:?}");
    }
}

#[test]
fn only_fields_of_the_connection_may_be_nominated() {
    for good in [
        "keep-alive",
        "close",
        "Upgrade",
        "keep-alive, Upgrade",
        "TE, close",
        "close,",
        "HTTP2-Settings, upgrade",
        "",
    ] {
        assert!(get(&[&format!("Connection: {good}")]).is_ok(), "{good:?}");
    }
    for bad in [
        "host",
        "Cookie",
        "close, x-forwarded-for",
        "Authorization",
        "content-length",
        "ININ-ICWS-CSRF-Token",
        "x",
        "close;x",
        "connection",
    ] {
        assert_eq!(
            get(&[&format!("Connection: {bad}")]),
            Err(Reason::MalformedHead),
            "{bad:?}"
        );
    }
}

#[test]
fn the_only_expectation_is_100_continue() {
    assert!(get(&["Expect: 100-Continue", "Content-Length: 5"]).is_ok());
    for bad in [
        &["Expect: 200-ok"][..],
        &["Expect:"],
        &["Expect: 100-continue, x"],
        &["Expect: 100-continue", "Expect: 100-continue"],
    ] {
        assert_eq!(get(bad), Err(Reason::MalformedHead), "{bad:?}");
    }
    let old = head(&["POST / HTTP/1.0", "Host: a", "Expect: 100-continue"]);
    assert_eq!(check(&old), Err(Reason::MalformedHead));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = check(&bytes);
    }

    #[test]
    fn what_passes_has_no_byte_that_could_be_read_two_ways(
        line in "[A-Z]{3,4} /[ -~]{0,12} HTTP/1.[01]",
        fields in proptest::collection::vec("[ -~\\t\\r\\n\u{80}-\u{ff}]{0,20}", 0..4),
    ) {
        let mut text = format!("{line}\r\nHost: a\r\n");
        for field in &fields {
            text.push_str(field);
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        if check(text.as_bytes()).is_ok() {
            prop_assert!(text.is_ascii());
            prop_assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
            prop_assert_eq!(text.matches('\r').count(), text.matches("\r\n").count());
            prop_assert_eq!(text.matches("\r\n\r\n").count(), 1);
            prop_assert_eq!(text.to_ascii_lowercase().matches("\r\nhost:").count(), 1);
        }
    }
}
