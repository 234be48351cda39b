//! The files of the page: what a browser is told of them, and what is not in them.

use std::collections::BTreeSet;
use std::path::Path;

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Got};

use super::live::SOON;

const YAML: &str = "hosts: { proxy.example.com: { files: /nowhere } }\n";

async fn ask(edge: &Edge, path: &str, more: &str) -> Got {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n");
    let got = Dial::plain(edge.admin()).send(request, SOON).await;
    got.unwrap()
}

fn header(got: &Got, name: &str) -> String {
    let head = got.head();
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let found = fields.find(|(given, _)| given.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.to_owned()).unwrap_or_default()
}

async fn edge() -> Edge {
    let folder = tempfile::tempdir().unwrap();
    let yaml = YAML.replace("/nowhere", folder.path().to_str().unwrap());
    Edge::start(&yaml, &["proxy.example.com"]).await.unwrap()
}

/// Every name after `/dashboard/` and `./` in quotes.
fn named(text: &str) -> BTreeSet<String> {
    let parts = text.split('"').skip(1).step_by(2);
    parts
        .filter_map(|part| {
            let name = part.strip_prefix("/dashboard/").or(part.strip_prefix("./"));
            name.map(str::to_owned)
        })
        .collect()
}

#[tokio::test]
async fn the_page_and_all_that_it_loads_is_there_with_its_type_and_the_policy() {
    let edge = edge().await;
    let page = ask(&edge, "/", "").await;
    assert_eq!(page.status(), Some(200));
    let (mut asked, mut left) = (BTreeSet::new(), named(&page.text()));
    while let Some(name) = left.pop_first() {
        let got = ask(&edge, &format!("/dashboard/{name}"), "").await;
        assert_eq!(got.status(), Some(200), "{name}");
        let media = match name.rsplit('.').next().unwrap() {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(header(&got, "content-type"), media, "{name}");
        let policy = header(&got, "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        left.extend(
            named(&got.text())
                .into_iter()
                .filter(|name| !asked.contains(name)),
        );
        asked.insert(name);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin/dashboard");
    let there = std::fs::read_dir(folder).unwrap();
    let there: BTreeSet<String> = there
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "page.html")
        .collect();
    assert_eq!(asked, there, "what is in the folder is served, and used");
    let policy = header(&page, "content-security-policy");
    for part in [
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains('*'),
        "{policy}"
    );
    assert_eq!(header(&page, "x-frame-options"), "DENY");
    assert_eq!(header(&page, "x-content-type-options"), "nosniff");
    // Elsewhere the stricter one holds.
    let api = ask(&edge, "/api/bans", "").await;
    assert_eq!(
        header(&api, "content-security-policy"),
        "default-src 'none'; frame-ancestors 'none'"
    );
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let edge = edge().await;
    for path in ["/", "/dashboard/main.js"] {
        let got = ask(&edge, path, "").await;
        assert_eq!(header(&got, "cache-control"), "no-cache");
        let tag = header(&got, "etag");
        for (known, status) in [
            (tag.clone(), 304),
            (format!("\"x\", W/{tag}"), 304),
            ("*".to_owned(), 304),
            ("\"x\"".to_owned(), 200),
        ] {
            let got = ask(&edge, path, &format!("If-None-Match: {known}\r\n")).await;
            assert_eq!(got.status(), Some(status), "{path} {known}");
            assert_eq!(got.body().is_empty(), status == 304);
            assert_eq!(header(&got, "etag"), tag);
        }
    }
}

#[tokio::test]
async fn nothing_else_is_below_the_dashboard() {
    let edge = edge().await;
    for path in [
        "/dashboard",
        "/dashboard/",
        "/dashboard/page.html",
        "/dashboard/..%2fadmin.rs",
        "/dashboard/main.js/",
        "/dashboard/MAIN.js",
    ] {
        let got = ask(&edge, path, "").await;
        assert_eq!(got.status(), Some(404), "{path}");
    }
}

#[test]
fn no_script_makes_markup_and_no_markup_has_scripts_or_styles_in_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin/dashboard");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let refused: &[&str] = match path.extension().unwrap().to_str().unwrap() {
            "js" => &[
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "DOMParser",
                "localStorage",
            ],
            "html" => &[
                "style=",
                "<style",
                " onclick",
                " onload",
                "javascript:",
                "http:",
                "https:",
            ],
            "css" => &["@import", "url("],
            _ => &["<script", "onload"],
        };
        for word in refused {
            assert!(!text.contains(word), "{word} in {}", path.display());
        }
        seen += 1;
    }
    assert!(seen > 10);
}
