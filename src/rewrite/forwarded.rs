//! Who the client is, and how the servers are told.
//!
//! Anyone can write `X-Forwarded-For`, and Interaction Web Tools counts chats by its first entry. So a chain is believed from its right
//! end only, as far as trusted proxies wrote it, and what leaves the gateway always begins with the true client.
//!
//! ```
//! use portcullis::rewrite::{client_address, forwarded_for};
//! let trusted = ["10.20.0.0/24".parse().expect("a network")];
//! let peer = "10.20.0.7".parse().expect("an address");
//! let lines = [&b"198.51.100.66, 203.0.113.9"[..]]; // the first entry is the visitor's own invention
//! assert_eq!(client_address(peer, lines.into_iter(), &trusted).to_string(), "203.0.113.9");
//! assert_eq!(forwarded_for(peer, lines.into_iter(), &trusted), "203.0.113.9, 10.20.0.7");
//! ```

mod dropped;
mod hops;

pub use dropped::{dropped_from_untrusted, names_a_method};
pub use hops::{MAX_HOPS, client_address, forwarded_for};

use super::origin::PublicOrigin;
use http::header::{HeaderName, HeaderValue};

/// The `X-Forwarded-*` headers of one request, made by the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardingHeaders {
    /// `X-Forwarded-For`, from [`forwarded_for`]: `client, proxy1, proxy2`.
    pub client: HeaderValue,
    /// `X-Forwarded-Proto`: the scheme the browser used.
    pub proto: HeaderValue,
    /// `X-Forwarded-Host`: host and port as the browser sent them.
    pub host: HeaderValue,
    /// `X-Forwarded-Port`: the port the browser connected to, in decimal.
    pub port: HeaderValue,
}

impl ForwardingHeaders {
    /// The four headers for a request to `public` by `client`.
    pub fn new(client: HeaderValue, public: PublicOrigin<'_>) -> Self {
        ForwardingHeaders {
            client,
            proto: HeaderValue::from_static(public.scheme().as_str()),
            host: HeaderValue::from_str(public.authority())
                .expect("PublicOrigin::new takes only letters, digits and punctuation"),
            port: HeaderValue::from(public.port()),
        }
    }

    /// The headers with their names, to be set in place of any that came.
    pub fn into_headers(self) -> [(HeaderName, HeaderValue); 4] {
        [
            (HeaderName::from_static("x-forwarded-for"), self.client),
            (HeaderName::from_static("x-forwarded-proto"), self.proto),
            (HeaderName::from_static("x-forwarded-host"), self.host),
            (HeaderName::from_static("x-forwarded-port"), self.port),
        ]
    }
}

/// The value of `ININ-ICWS-Original-URL`: the URL as the client asked it, neither decoded nor normalised, query included ("ICWS Web
/// Proxies"). ICWS builds its own links from it. `None` when the target is not a path or has bytes that no header may carry.
pub fn original_url(public: PublicOrigin<'_>, path_and_query: &str) -> Option<HeaderValue> {
    if !path_and_query.starts_with('/') {
        return None;
    }
    let url = [
        public.scheme().as_str(),
        "://",
        public.authority(),
        path_and_query,
    ]
    .concat();
    HeaderValue::from_bytes(url.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::Scheme;

    #[test]
    fn the_headers_say_what_the_browser_asked() {
        let public = PublicOrigin::new(Scheme::Https, "proxy.example.com:8444").unwrap();
        let headers =
            ForwardingHeaders::new(HeaderValue::from_static("203.0.113.9"), public).into_headers();
        let text: Vec<_> = headers
            .iter()
            .map(|(n, v)| format!("{n}: {}", v.to_str().unwrap()))
            .collect();
        assert_eq!(
            text,
            [
                "x-forwarded-for: 203.0.113.9",
                "x-forwarded-proto: https",
                "x-forwarded-host: proxy.example.com:8444",
                "x-forwarded-port: 8444"
            ]
        );
    }

    #[test]
    fn the_original_url_is_raw_and_whole() {
        let public = PublicOrigin::new(Scheme::Https, "proxy.example.com").unwrap();
        let url = |path| original_url(public, path).map(|v| v.to_str().unwrap().to_owned());
        assert_eq!(
            url("/us/icserver1/icws/a%2Fb?x=%20&y=/").as_deref(),
            Some("https://proxy.example.com/us/icserver1/icws/a%2Fb?x=%20&y=/")
        );
        for path in ["", "*", "http://x/", "/a\r\nb", "/a\0"] {
            assert_eq!(url(path), None, "{path:?}");
        }
    }
}
