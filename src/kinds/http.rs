//! `http`: any web server, for instance one of third-party gadgets. The route's prefix is replaced by the path of its URL.

use ::http::Method;
use std::time::Duration;

use super::Kind;
use crate::routing::{Exposed, ExposedPath, LiteralPath, Mapping};
use crate::upstream::Timeouts;

pub(super) struct Http;

impl Kind for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn default_port(&self, _tls: bool) -> Option<u16> {
        None
    }

    fn timeouts(&self) -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(5),
            response: Duration::from_secs(60),
            stream: Duration::from_secs(600),
            pooled: Duration::from_secs(4),
        }
    }

    fn mapping(&self, base: &LiteralPath, expose: Option<&[LiteralPath]>) -> Mapping {
        let exposed = match expose {
            Some(paths) => {
                Exposed::Only(paths.iter().cloned().map(ExposedPath::same_case).collect())
            }
            None => Exposed::Everything,
        };
        Mapping::below(base.clone(), exposed)
    }

    fn may_repeat(&self, _method: &Method, _path: &str) -> bool {
        true
    }
}
