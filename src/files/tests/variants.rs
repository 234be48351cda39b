//! Precompressed variants, the server list, cache rules, roots that change.

use super::*;

#[tokio::test]
async fn a_precompressed_variant_is_used_by_whoever_prefers_it() {
    let web = Web::new();
    web.put("lib/a.js", "plain")
        .put("lib/a.js.gz", "gzipped")
        .put("lib/a.js.br", "brotli")
        .put("b.js", "plain")
        .put("b.js.gz", "gzipped");
    let mut tags = std::collections::HashSet::new();
    for (path, accept, encoding, content) in [
        ("lib/a.js", "", "", "plain"),
        ("lib/a.js", "gzip, deflate, br", "br", "brotli"),
        ("lib/a.js", "gzip", "gzip", "gzipped"),
        ("lib/a.js", "br;q=0.5, gzip", "gzip", "gzipped"),
        ("lib/a.js", "br;q=0, gzip;q=0", "", "plain"),
        ("lib/a.js", "identity, gzip;q=0.5", "", "plain"),
        ("b.js", "br", "", "plain"),
        ("b.js", "br, gzip;q=0.1", "gzip", "gzipped"),
    ] {
        let (answer, sent) = web.get(path, &[(ACCEPT_ENCODING, accept)]).await;
        assert_eq!(
            (header(&answer, CONTENT_ENCODING), sent.as_slice()),
            (encoding, content.as_bytes()),
            "{path} for {accept:?}"
        );
        assert_eq!(
            header(&answer, CONTENT_TYPE),
            "text/javascript; charset=utf-8"
        );
        assert_eq!(header(&answer, VARY), "accept-encoding");
        assert_eq!(header(&answer, CONTENT_LENGTH), content.len().to_string());
        if path == "lib/a.js" {
            assert_eq!(header(&answer, CACHE_CONTROL), "max-age=31536000");
            tags.insert((encoding, header(&answer, ETAG).to_owned()));
        }
    }
    assert_eq!(
        tags.len(),
        3,
        "each variant has one tag of its own: {tags:?}"
    );
    let brotli = tags
        .iter()
        .find(|(encoding, _)| *encoding == "br")
        .map(|(_, tag)| tag.clone())
        .unwrap();
    let again = |accept| [(ACCEPT_ENCODING, accept), (IF_NONE_MATCH, brotli.as_str())];
    assert_eq!(
        web.get("lib/a.js", &again("br")).await.0.status,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(
        web.get("lib/a.js", &again("gzip")).await.0.status,
        StatusCode::OK
    );
    let (answer, sent) = web
        .get("lib/a.js", &[(ACCEPT_ENCODING, "br"), (RANGE, "bytes=0-2")])
        .await;
    assert_eq!(
        (
            answer.status.as_u16(),
            sent.as_slice(),
            header(&answer, CONTENT_RANGE)
        ),
        (206, &b"bro"[..], "bytes 0-2/6")
    );
}

#[tokio::test]
async fn a_variant_older_than_its_file_is_not_used() {
    let web = Web::new();
    web.put("a.js", "new").put("a.js.gz", "old");
    set_time(&web.root().join("a.js"), AT + 1);
    let (answer, sent) = web.get("a.js", &[(ACCEPT_ENCODING, "gzip")]).await;
    assert_eq!(
        (header(&answer, CONTENT_ENCODING), sent.as_slice()),
        ("", &b"new"[..])
    );
    fs::create_dir(web.root().join("a.js.br")).unwrap();
    assert_eq!(web.get("a.js", &[(ACCEPT_ENCODING, "br")]).await.1, b"new");
}

#[tokio::test]
async fn the_server_list_is_made_and_not_read() {
    let list = ServersJson::new(&[("icserver1", "Server 1")], "/apps/client/api/{host}/").unwrap();
    let body = list.body().clone();
    let rules = SiteRules {
        servers_json: Some(list.at("client/config/servers.json").unwrap()),
        ..SiteRules::default()
    };
    let web = Web::with(rules);
    web.put(
        "client/config/servers.json",
        "{\"servers\":[{\"host\":\"forgotten\"}]}",
    );
    let (answer, content) = web
        .get(
            "client/config/servers.json?x=1",
            &[(ACCEPT_ENCODING, "gzip")],
        )
        .await;
    assert_eq!(
        (answer.status, content.as_slice()),
        (StatusCode::OK, &body[..])
    );
    assert_eq!(
        (
            header(&answer, CONTENT_TYPE),
            header(&answer, CACHE_CONTROL)
        ),
        ("application/json", "no-store")
    );
    let tag = header(&answer, ETAG).to_owned();
    assert_eq!(
        web.get("client/config/servers.json", &[(IF_NONE_MATCH, &tag)])
            .await
            .0
            .status,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(web.get("client/config/%73ervers.json", &[]).await.1, body);
    assert_eq!(
        web.get("client/config/servers.json", &[(RANGE, "bytes=0-0")])
            .await
            .1,
        b"{"
    );
    assert_eq!(
        web.get("client/config/servers.json/", &[]).await.0.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        web.ask(Method::HEAD, "client/config/servers.json", &[])
            .await
            .1,
        b""
    );
    assert_eq!(
        web.ask(Method::POST, "client/config/servers.json", &[])
            .await
            .0
            .status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn an_operators_cache_rule_replaces_the_vendors() {
    let rule = CacheRule {
        pattern: "/client/lib/".parse().unwrap(),
        cache: Cache::For(Duration::from_secs(60)),
    };
    let web = Web::with(SiteRules {
        cache: vec![rule],
        servers_json: None,
    });
    web.put("client/lib/a.js", "a")
        .put("other/lib/a.js", "a")
        .put("client/config/a.json", "{}");
    for (path, cache) in [
        ("client/lib/a.js", "max-age=60"),
        ("other/lib/a.js", "max-age=31536000"),
        ("client/config/a.json", "no-store"),
    ] {
        assert_eq!(
            header(&web.get(path, &[]).await.0, CACHE_CONTROL),
            cache,
            "{path}"
        );
    }
    let (missing, _) = web.get("client/lib/missing.js", &[]).await;
    assert_eq!(
        header(&missing, CACHE_CONTROL),
        "no-store",
        "nobody remembers for a year that a file was missing"
    );
}

#[tokio::test]
async fn a_swapped_release_is_served_at_once_and_a_root_that_has_gone_is_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    for release in ["one", "two"] {
        fs::create_dir(dir.path().join(release)).unwrap();
        fs::write(dir.path().join(release).join("a.txt"), release).unwrap();
    }
    let current = dir.path().join("current");
    symlink("one", &current).unwrap();
    let site = Site::open(current.clone(), SiteRules::default()).unwrap();
    let web = Web { dir, site };
    assert_eq!(web.get("a.txt", &[]).await.1, b"one");
    symlink("two", web.dir.path().join("next")).unwrap();
    fs::rename(web.dir.path().join("next"), &current).unwrap();
    assert_eq!(web.get("a.txt", &[]).await.1, b"two");
    fs::remove_file(&current).unwrap();
    let (answer, _) = web.get("a.txt", &[]).await;
    assert_eq!(
        (answer.status, answer.refusal),
        (StatusCode::INTERNAL_SERVER_ERROR, Some(Refusal::Disk))
    );
}

#[test]
fn a_site_without_its_directory_says_which() {
    let error = Site::open("/nonexistent/web".into(), SiteRules::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("/nonexistent/web"), "{error}");
}

proptest::proptest! {
    #[test]
    fn no_text_at_all_reaches_a_secret(path in "(\\.|/|%2e|%2f|%5c|%00|\\\\|~|a|root|up|secret\\.txt|%25|;|\\?|:){0,12}") {
        let web = Web::new();
        fs::write(web.dir.path().join("secret.txt"), SECRET).unwrap();
        symlink("..", web.root().join("up")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (answer, content) = runtime.block_on(web.get(&path, &[]));
        proptest::prop_assert!(content.is_empty() && answer.status != StatusCode::OK, "{} gave {}", path, answer.status);
    }
}
