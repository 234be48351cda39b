//! The dashboard: one page at `/`, and what it loads below `/dashboard/`. All of it is in the program.
//!
//! What the page shows comes from `live`; what it can change is one thing, lifting a ban, by `POST /api/bans/lift`.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Gateway, text};

/// SECURITY: names of users come from the network. Should one ever become markup, the browser still runs no script but these files,
/// asks nobody else, and refuses to make markup of text at all (`require-trusted-types-for`).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'";

/// A file in the program.
struct Embedded {
    name: &'static str,
    media: &'static str,
    content: &'static str,
}

macro_rules! files {
    ($($name:literal $media:literal,)+) => {
        &[$(Embedded { name: $name, media: $media, content: include_str!(concat!("dashboard/", $name)) },)+]
    };
}

const PAGE: Embedded = Embedded {
    name: "page.html",
    media: "text/html; charset=utf-8",
    content: include_str!("dashboard/page.html"),
};

const FILES: &[Embedded] = files! {
    "page.css" "text/css; charset=utf-8",
    "tables.css" "text/css; charset=utf-8",
    "icon.svg" "image/svg+xml",
    "main.js" "text/javascript; charset=utf-8",
    "live.js" "text/javascript; charset=utf-8",
    "dom.js" "text/javascript; charset=utf-8",
    "format.js" "text/javascript; charset=utf-8",
    "table.js" "text/javascript; charset=utf-8",
    "chart.js" "text/javascript; charset=utf-8",
    "overview.js" "text/javascript; charset=utf-8",
    "users.js" "text/javascript; charset=utf-8",
    "servers.js" "text/javascript; charset=utf-8",
    "refusals.js" "text/javascript; charset=utf-8",
    "bans.js" "text/javascript; charset=utf-8",
    "gateway.js" "text/javascript; charset=utf-8",
};

pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/", get(async |headers: HeaderMap| answer(&PAGE, &headers)))
        .route("/dashboard/{name}", get(file))
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => answer(file, &headers),
        None => text(StatusCode::NOT_FOUND, "not found\n".to_owned()).into_response(),
    }
}

fn answer(file: &Embedded, asked: &HeaderMap) -> Response {
    let tag = tag(file.content);
    let known = asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*");
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, file.media),
        // Kept by the browser, and asked about each time: a new version of the gateway is seen at once.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    let mut answer = match known {
        true => (StatusCode::NOT_MODIFIED, headers).into_response(),
        false => (headers, file.content).into_response(),
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    answer
}

/// The content in a word.
fn tag(content: &str) -> String {
    let digest = openssl::sha::sha256(content.as_bytes());
    let word: String = digest[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{word}\"")
}
