//! Random mixtures of tricks.

use super::*;

fn trick() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "/",
        "/",
        "/",
        "/",
        "..",
        "..",
        ".",
        "%2e",
        "%2E%2e",
        "%252e",
        "%2f",
        "%252f",
        "%5c",
        "\\",
        "%255c",
        ";",
        "%3b",
        "%253b",
        "//",
        "..;",
        "%25",
        "%3f",
        "%23",
        "%20",
        "a",
        "%61",
        "x",
        "icws",
        "icws",
        "ICWS",
        "websvcs",
        "us",
        "icserver1",
        "icserver2",
        "api",
        "apps",
        "client",
        "I3Root",
        "Server1",
        "Server2",
        "WebServices",
        "WebHTMLService",
        "gadgets",
        "listed",
        "public",
        "one.css",
        "favicon.ico",
        "%EF%BC%8E",
        "%EF%BC%8F",
        "%E2%80%A5",
        "%EF%BC%85",
        "%C3%A9",
        "%69",
    ]);
    let start = prop::sample::select(vec![
        "/",
        "/us/icserver1/",
        "/us/icserver1/icws/",
        "/us/icserver1/icws/1/2/3/",
        "/apps/client/api/icserver1/icws/1/",
        "/x/api/icserver2/icws/1/",
        "/I3Root/",
        "/I3Root/Server1/websvcs/a/b/",
        "/I3Root/WebServices/Server1/a/",
        "/gadgets/a/b/",
        "/listed/public/a/b/",
        "/apps/client/",
    ]);
    (start, prop::collection::vec(token, 0..10))
        .prop_map(|(start, tokens)| start.to_owned() + &tokens.concat())
}

/// A server of random habits that decodes at most twice.
fn habits() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(0..OPS.len(), 0..9).prop_map(|picks| {
        let mut decodings = 0;
        let ops = picks.into_iter().map(|i| OPS[i]);
        ops.filter(|op| {
            decodings += usize::from(oracle::is_decode(*op));
            !oracle::is_decode(*op) || decodings <= 2
        })
        .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn no_accepted_path_leaves_the_exposed_area_whatever_the_server_does(
        path in trick(),
        habits in prop::collection::vec(habits(), 8),
    ) {
        let table = table();
        if let Ok(judged) = judge(table, &path) {
            assert_no_server_is_fooled(&judged, &path);
            for ops in habits {
                assert_stays_inside(&judged, &path, &ops, "a server of random habits");
            }
        }
    }

    #[test]
    fn the_shortcut_for_plain_paths_changes_no_verdict(path in trick(), plain in "(/[a-z.]{0,3}(icws|us|icserver1|api)?){0,6}") {
        let table = table();
        for path in [path.as_str(), plain.as_str()] {
            let fast = judge(table, path);
            let slow = scan(path).map_err(PathRefusal::from).and_then(|_| judge_every_reading(table, path));
            let comparable = |r: Result<Judged<'_, '_, Kind>, PathRefusal>| r.map(|j| (j.index, j.server, j.inner_path()));
            prop_assert_eq!(comparable(fast), comparable(slow), "{}", path);
        }
    }

    #[test]
    fn no_input_makes_it_panic(path in "\\PC{0,40}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let table = table();
        let _ = judge(table, &path).is_ok();
        let mut escaped = String::from("/us/icserver1/icws/");
        for byte in bytes {
            escaped += &format!("%{byte:02x}");
        }
        if let Ok(judged) = judge(table, &escaped) {
            assert_no_server_is_fooled(&judged, &escaped);
        }
    }
}
