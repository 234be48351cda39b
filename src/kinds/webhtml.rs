//! `webhtml`: the WebHTMLService handlers on the ICWS ports. The route's prefix becomes `/WebHTMLService/`.
//!
//! Handlers write whole pages and may take minutes: the vendor's sample sets `WebCGIRequestTimeout` to 300 s (Web Tools Technical Reference).

use ::http::Method;
use std::time::Duration;

use super::{Kind, listed, path};
use crate::routing::{LiteralPath, Mapping};
use crate::upstream::Timeouts;

pub(super) struct Webhtml;

impl Kind for Webhtml {
    fn name(&self) -> &'static str {
        "webhtml"
    }

    fn default_port(&self, tls: bool) -> Option<u16> {
        Some(if tls { 8019 } else { 8018 })
    }

    fn timeouts(&self) -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(5),
            response: Duration::from_secs(310),
            stream: Duration::from_secs(310),
            pooled: Duration::from_secs(4),
        }
    }

    fn mapping(&self, _base: &LiteralPath, expose: Option<&[LiteralPath]>) -> Mapping {
        Mapping::below(path("/WebHTMLService/"), listed(expose, "/WebHTMLService/"))
    }

    fn question(&self) -> Option<&'static str> {
        Some("/WebHTMLService/doHTMLRequest?event=CgiTest")
    }

    fn may_repeat(&self, method: &Method, _path: &str) -> bool {
        // A handler is a program with effects of its own, whatever the method says.
        method == Method::HEAD
    }
}
