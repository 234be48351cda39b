//! Request headers that are believed from a trusted proxy only, and what a server would do with a forged one.
//!
//! ```
//! use portcullis::rewrite::dropped_from_untrusted;
//! assert!(dropped_from_untrusted("x-forwarded-for").is_some());
//! assert!(dropped_from_untrusted("accept").is_none());
//! ```

/// Every header whose name begins so is dropped, `X-Forwarded-For`, `-Proto`, `-Host`, `-Port`, `-Prefix`, `-Server`, `-Ssl` and
/// whatever else a server has learned to read among them.
const PREFIXES: &[(&str, &str)] = &[
    (
        "x-forwarded-",
        "the gateway writes these itself; a forged one hides who the client is or moves links to another host",
    ),
    (
        "x-original-",
        "IIS and others take path, host or client from it after the gateway has checked the real ones",
    ),
    (
        "x-arr-",
        "IIS would believe that its own ARR had terminated TLS or checked a client certificate",
    ),
    (
        "x-ssl-",
        "servers behind a TLS terminator read a checked client certificate from it",
    ),
    (
        "ssl-client-",
        "servers behind a TLS terminator read a checked client certificate from it",
    ),
    (
        "x-client-cert",
        "servers behind a TLS terminator read a checked client certificate from it",
    ),
    (
        "x-envoy-",
        "what Envoy says to servers behind it: the client's address, and what to try again",
    ),
    (
        "x-appengine-",
        "read as the word of a platform about the client",
    ),
];

/// Fields from which many frameworks take the method in place of the real one.
const METHODS: [&str; 3] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

/// Single headers with the reason.
const NAMES: &[(&str, &str)] = &[
    (
        "forwarded",
        "RFC 7239: the standard form of the same claims",
    ),
    ("x-real-ip", "read as the client's address"),
    (
        "x-client-ip",
        "read as the client's address; the Finesse guide for custom proxies has the proxy set it",
    ),
    ("x-cluster-client-ip", "read as the client's address"),
    ("x-proxyuser-ip", "read as the client's address"),
    ("client-ip", "read as the client's address"),
    ("true-client-ip", "read as the client's address"),
    ("cf-connecting-ip", "read as the client's address"),
    ("fastly-client-ip", "read as the client's address"),
    ("proxy-client-ip", "read as the client's address"),
    ("wl-proxy-client-ip", "read as the client's address"),
    ("x-remote-addr", "read as the client's address"),
    ("x-remote-ip", "read as the client's address"),
    ("x-originating-ip", "read as the client's address"),
    ("x-azure-clientip", "read as the client's address"),
    ("x-azure-socketip", "read as the client's address"),
    (
        "remote-user",
        "read as the name of somebody whom a proxy has already let in",
    ),
    (
        "x-remote-user",
        "read as the name of somebody whom a proxy has already let in",
    ),
    (
        "x-backend-host",
        "read as the host in place of the checked one",
    ),
    // RFC 8470, 5.1: only whoever has ended TLS knows. The gateway takes no early data.
    (
        "early-data",
        "pretends that the request may be a replay, or hides that it is",
    ),
    (
        "inin-icws-original-url",
        "ICWS builds its links, and the single sign-on's consumer URL, from it",
    ),
    (
        "x-rewrite-url",
        "servers take the path from it after the gateway has checked the real one",
    ),
    ("x-host", "read as the host in place of the checked one"),
    (
        "front-end-https",
        "read as a statement that the browser came over HTTPS",
    ),
    (
        "x-url-scheme",
        "read as a statement that the browser came over HTTPS",
    ),
    (
        "proxy",
        "becomes the variable HTTP_PROXY of a CGI program, whose own requests then go to the attacker",
    ),
    // RFC 9110 section 7.6.3: a proxy adds itself to Via. The vendors want the request headers unchanged but for the listed ones and
    // servers switch compression off when they see a Via, so the gateway adds none, and none of a client's passes that could
    // pretend a loop or a proxy that is not there.
    (
        "via",
        "pretends proxies that are not there; servers change compression and caching when they see one",
    ),
];

/// Why a header is dropped when it comes from a peer that is not a trusted proxy, `None` when it is not. The name in lower case, as
/// `http::HeaderName` has it.
pub fn dropped_from_untrusted(name: &str) -> Option<&'static str> {
    // PERF: asked once per request header; of the usual ones only a few begin with these letters.
    if !matches!(
        name.as_bytes().first(),
        Some(b'c' | b'e' | b'f' | b'i' | b'p' | b'r' | b's' | b't' | b'v' | b'w' | b'x')
    ) {
        return None;
    }
    let by_prefix = PREFIXES.iter().find(|(prefix, _)| {
        name.get(..prefix.len())
            .is_some_and(|head| reads_as(head, prefix))
    });
    by_prefix
        .or_else(|| NAMES.iter().find(|(dropped, _)| reads_as(name, dropped)))
        .map(|(_, why)| *why)
}

/// Whether a server may take the method from this field. The name in lower case.
pub fn names_a_method(name: &str) -> bool {
    METHODS.iter().any(|method| reads_as(name, method))
}

/// SECURITY: a server that hands headers on as variables (CGI, WSGI, ISAPI) reads `X_Real_IP` as `X-Real-IP`, and some `X.Real.IP` too.
fn reads_as(name: &str, dropped: &str) -> bool {
    let dash = |b| if matches!(b, b'_' | b'.') { b'-' } else { b };
    name.len() == dropped.len() && name.bytes().map(dash).eq(dropped.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_list_is_found_in_the_form_headers_have() {
        for (name, why) in NAMES.iter().chain(PREFIXES) {
            assert_eq!(dropped_from_untrusted(name), Some(*why), "{name}");
            assert_eq!(
                dropped_from_untrusted(&name.replace('-', "_")),
                Some(*why),
                "{name} with underscores"
            );
            assert_eq!(*name, name.to_ascii_lowercase());
        }
    }

    #[test]
    fn what_the_protocols_need_passes() {
        for name in [
            "accept",
            "cookie",
            "content-type",
            "inin-icws-csrf-token",
            "inin-icws-session-id",
            "x-icws-devtools-correlationid",
            "x-requested-with",
            "range",
            "if-match",
            "last-event-id",
            "authorization",
            "proxy-authorization",
            "user-agent",
            "origin",
            "te",
            "upgrade",
            "connection",
            "forwarded-for",
            "viable",
            "x-forwarded",
        ] {
            assert_eq!(dropped_from_untrusted(name), None, "{name}");
        }
    }
}
