//! Conditional requests and ranges (RFC 9110, 13 and 14).

use super::*;

#[tokio::test]
async fn a_client_that_has_the_file_is_told_so() {
    let web = Web::new();
    web.put("a.js", "content");
    let tag = header(&web.get("a.js", &[]).await.0, ETAG).to_owned();
    let at = "Sun, 06 Nov 1994 08:49:37 GMT";
    let before = "Sun, 06 Nov 1994 08:49:36 GMT";
    for (section, headers, status) in [
        ("13.1.1", vec![(IF_MATCH, tag.as_str())], 200),
        ("13.1.1", vec![(IF_MATCH, "\"x\"")], 412),
        ("13.1.2", vec![(IF_NONE_MATCH, tag.as_str())], 304),
        ("13.1.2", vec![(IF_NONE_MATCH, "*")], 304),
        ("13.1.2", vec![(IF_NONE_MATCH, "\"x\"")], 200),
        ("13.1.3", vec![(IF_MODIFIED_SINCE, at)], 304),
        ("13.1.3", vec![(IF_MODIFIED_SINCE, before)], 200),
        ("13.1.4", vec![(IF_UNMODIFIED_SINCE, at)], 200),
        ("13.1.4", vec![(IF_UNMODIFIED_SINCE, before)], 412),
        (
            "13.1.5",
            vec![(RANGE, "bytes=0-1"), (IF_RANGE, tag.as_str())],
            206,
        ),
        ("13.1.5", vec![(RANGE, "bytes=0-1"), (IF_RANGE, at)], 206),
        (
            "13.1.5",
            vec![(RANGE, "bytes=0-1"), (IF_RANGE, "\"x\"")],
            200,
        ),
        (
            "13.1.5",
            vec![(RANGE, "bytes=90-"), (IF_RANGE, "\"x\"")],
            200,
        ),
        (
            "13.2.2",
            vec![(RANGE, "bytes=0-1"), (IF_NONE_MATCH, tag.as_str())],
            304,
        ),
        (
            "13.2.2",
            vec![(RANGE, "bytes=0-1"), (IF_MATCH, "\"x\"")],
            412,
        ),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let head = method == Method::HEAD;
            let (answer, content) = web.ask(method, "a.js", &headers).await;
            let expected = if head && status == 206 { 200 } else { status };
            assert_eq!(
                answer.status.as_u16(),
                expected,
                "section {section}: {headers:?}"
            );
            assert_eq!(content.is_empty(), head || !matches!(status, 200 | 206));
            if status == 304 {
                assert_eq!(header(&answer, ETAG), tag, "section 15.4.5");
                assert_eq!(header(&answer, CACHE_CONTROL), "no-cache");
                assert_eq!(header(&answer, VARY), "accept-encoding");
                assert!(!answer.headers.contains_key(CONTENT_LENGTH));
            }
        }
    }
    // Section 13.2.1: without a file there is nothing to compare.
    assert_eq!(
        web.get("missing", &[(IF_NONE_MATCH, "*")]).await.0.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_changed_file_has_another_tag() {
    let web = Web::new();
    web.put("a.js", "one");
    let first = header(&web.get("a.js", &[]).await.0, ETAG).to_owned();
    web.put("a.js", "two");
    set_time(&web.root().join("a.js"), AT + 1);
    let (answer, content) = web.get("a.js", &[(IF_NONE_MATCH, &first)]).await;
    assert_eq!(
        (answer.status, content.as_slice()),
        (StatusCode::OK, &b"two"[..])
    );
}

#[tokio::test]
async fn ranges_of_small_and_large_files_are_exact() {
    let web = Web::new();
    let large: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
    web.put("large.bin", &large)
        .put("small.bin", &large[..1000])
        .put("empty.bin", "");
    let (answer, content) = web.get("large.bin", &[]).await;
    assert!(answer.status == StatusCode::OK && content == large);
    for (file, range, first, end, total) in [
        ("small.bin", "bytes=0-499", 0, 500, 1000),
        ("small.bin", "bytes=-1", 999, 1000, 1000),
        ("small.bin", "bytes=990-2000", 990, 1000, 1000),
        ("large.bin", "bytes=1000-", 1000, 300_000, 300_000),
        (
            "large.bin",
            "bytes=100000-100009",
            100_000,
            100_010,
            300_000,
        ),
        ("large.bin", "bytes=65535-200000", 65_535, 200_001, 300_000),
    ] {
        let (answer, content) = web.get(file, &[(RANGE, range)]).await;
        assert_eq!(
            answer.status,
            StatusCode::PARTIAL_CONTENT,
            "section 15.3.7: {range}"
        );
        assert_eq!(
            header(&answer, CONTENT_RANGE),
            format!("bytes {first}-{}/{total}", end - 1)
        );
        assert_eq!(header(&answer, CONTENT_LENGTH), (end - first).to_string());
        assert!(content == large[first..end], "{file} {range}");
    }
    for (file, range, total) in [
        ("small.bin", "bytes=1000-", 1000),
        ("small.bin", "bytes=-0", 1000),
        ("empty.bin", "bytes=0-", 0),
    ] {
        let (answer, content) = web.get(file, &[(RANGE, range)]).await;
        assert_eq!(
            (answer.status, content.len()),
            (StatusCode::RANGE_NOT_SATISFIABLE, 0),
            "section 15.5.17: {range}"
        );
        assert_eq!(header(&answer, CONTENT_RANGE), format!("bytes */{total}"));
    }
    for range in ["bytes=0-1,5-6", "items=0-199", "bytes=5-1", "lines=1-2"] {
        let (answer, content) = web.get("small.bin", &[(RANGE, range)]).await;
        assert!(
            answer.status == StatusCode::OK && content.len() == 1000,
            "section 14.2: {range}"
        );
    }
    let (answer, content) = web.get("empty.bin", &[]).await;
    assert_eq!(
        (
            answer.status,
            content.len(),
            header(&answer, CONTENT_LENGTH)
        ),
        (StatusCode::OK, 0, "0")
    );
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_sent_is_an_error_and_not_a_short_answer() {
    let web = Web::new();
    web.put("large.bin", vec![7; 300_000]);
    let mut answer = web
        .site
        .answer(&Method::GET, "large.bin", &HeaderMap::new())
        .await;
    assert_eq!(answer.body.remaining(), 300_000);
    fs::File::options()
        .write(true)
        .open(web.root().join("large.bin"))
        .unwrap()
        .set_len(100_000)
        .unwrap();
    let mut sent = 0;
    let error = loop {
        match answer.body.next_chunk().await {
            Ok(Some(chunk)) => sent += chunk.len(),
            Ok(None) => panic!("the end came after {sent} bytes as if that were all"),
            Err(error) => break error,
        }
    };
    assert_eq!(
        (error.kind(), sent),
        (io::ErrorKind::UnexpectedEof, 100_000)
    );
}
