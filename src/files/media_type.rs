//! The `Content-Type` of a file, by its extension.

use http::HeaderValue;

/// What is served when the extension says nothing: a download, never something a browser runs.
const UNKNOWN: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The media type of the file `name`. Text is UTF-8, which all of the vendors' applications are written in.
pub(super) fn of(name: &str) -> HeaderValue {
    let extension = name
        .rsplit('/')
        .next()
        .and_then(|file| file.rsplit_once('.'))
        .map_or("", |(_, extension)| extension);
    let Some(known) = mime_guess::from_ext(extension).first_raw() else {
        return UNKNOWN;
    };
    // RFC 9239 section 6: the one name of JavaScript's media type.
    let known = if known == "application/javascript" {
        "text/javascript"
    } else {
        known
    };
    if known.starts_with("text/") {
        return HeaderValue::try_from([known, "; charset=utf-8"].concat()).unwrap_or(UNKNOWN);
    }
    HeaderValue::from_str(known).unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_decides_in_any_case() {
        for (name, expected) in [
            ("client/index.html", "text/html; charset=utf-8"),
            ("a.HTM", "text/html; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.min.js", "text/javascript; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.json", "application/json"),
            ("a.svg", "image/svg+xml"),
            ("a.png", "image/png"),
            ("a.woff2", "font/woff2"),
            ("a.wasm", "application/wasm"),
            ("a.txt", "text/plain; charset=utf-8"),
            ("a.js.gz", "application/gzip"),
            ("a.unheard-of", "application/octet-stream"),
            ("README", "application/octet-stream"),
            ("a.html/README", "application/octet-stream"),
        ] {
            assert_eq!(of(name), expected, "{name}");
        }
    }
}
