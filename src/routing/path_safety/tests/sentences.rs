//! What is said about a refusal, and the bounds.

use super::*;

#[test]
fn a_refusal_says_which_reading_led_where() {
    let table = table();
    for (path, says) in [
        (
            "/us/icserver1/icws/%252e%252e/WebHTMLService/x",
            "decoded twice, then with dot segments resolved, the path reads `/us/icserver1/WebHTMLService/x`, which \
             leads to the route `/us/icserver1/`, where the path has no part that its server exposes",
        ),
        (
            "/us/icserver1;x/icws/1",
            "as written the path leads to no route; with `;` parameters dropped, the path reads \
             `/us/icserver1/icws/1`, which leads to `/us/icserver1/`",
        ),
        (
            "/gadgets/%2e%2e/gadgets/x",
            "decoded, then with dot segments resolved, the path that the server would get reads `/base/gadgets/x`, \
             which is not exposed",
        ),
        (
            "/I3Root//evil/",
            "the path that the server would get reads `//evil/`, which may be taken for another host",
        ),
        (
            "/I3Root/Server1/admin",
            "the route `/I3Root/Server1/` matches, but `/admin` is not exposed",
        ),
        (
            "/x/api/other/",
            "the server name `other` is not in the list of the route that the path belongs to",
        ),
        ("/nothing", "the path leads to no route"),
        (
            "/a%00",
            "decoded, the path contains the control character U+0000",
        ),
        (
            "/%2e.",
            "as written the path leads to no route; decoded, the path reads `/..`, which climbs above its root",
        ),
    ] {
        let refusal = judge(table, path).err().map(|r| r.to_string());
        assert_eq!(refusal.as_deref(), Some(says), "{path}");
    }
}

#[test]
fn what_a_client_wrote_is_cut_short_and_escaped_in_the_sentence() {
    let path = format!("/apps/client/api/{}/x", "\\u202e%e2%80%ae".repeat(200));
    let sentence = judge(table(), &path)
        .err()
        .map(|r| r.to_string())
        .unwrap_or_default();
    assert!(sentence.len() < 2500, "{} bytes", sentence.len());
    assert!(!sentence.contains('\u{202e}'), "{sentence}");
}

#[test]
fn the_longest_path_is_judged_and_a_longer_one_is_refused() {
    let table = table();
    let prefix = "/us/icserver1/icws/1/";
    let longest = prefix.to_owned() + &"%2F".repeat((MAX_PATH_BYTES - prefix.len()) / 3);
    assert_eq!(
        outcome(table, &longest),
        format!("0 {}", longest.strip_prefix("/us/icserver1").unwrap())
    );
    assert_eq!(outcome(table, &(longest + "abcd")), "bad");
}

#[test]
fn an_identifier_of_nothing_but_special_characters_passes() {
    let identifier = "CORP%5Ca%2Fb%3Bc;d%25e%3Ff%23g%20h%C3%A9%EF%BC%8F..i";
    let path = format!("/us/icserver1/icws/1/users/{identifier}/{identifier}");
    let expected = format!("0 /icws/1/users/{identifier}/{identifier}");
    assert_eq!(outcome(table(), &path), expected);
}
