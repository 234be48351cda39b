//! What clients and servers choose, as labels of closed lists.
//!
//! ```ignore
//! assert_eq!(code_label(299), "2xx");
//! assert_eq!(method_label("BREW"), "other");
//! ```

/// Statuses as labels. A server may send any number: what is not a usual status is counted by its class.
pub(super) fn code_label(status: u16) -> &'static str {
    macro_rules! labels {
        ($($code:literal)+) => { match status {
            $($code => stringify!($code),)+
            0 => "none",
            100..=199 => "1xx",
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            500..=599 => "5xx",
            _ => "other",
        } };
    }
    labels!(101 200 201 202 204 206 301 302 303 304 307 308 400 401 403 404 405 408 409 410 413 416 418 421 429 431
        500 501 502 503 504 505)
}

/// Methods as labels: a closed list, though the front door lets through no other.
pub(super) fn method_label(method: &str) -> &'static str {
    const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"];
    let known = METHODS.iter().find(|known| **known == method);
    known.copied().unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_nobody_knows_makes_no_new_label() {
        for (status, label) in [
            (200, "200"),
            (299, "2xx"),
            (777, "other"),
            (0, "none"),
            (599, "5xx"),
        ] {
            assert_eq!(code_label(status), label);
        }
    }
}
