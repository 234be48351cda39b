//! `webtools`: chats and callbacks of Interaction Web Tools, served by WebProcessorBridge on 8114 (HTTP) and 3508 (HTTPS).
//!
//! The route's prefix is replaced by `/`, and only `/websvcs/` in any case is exposed. `Host` is the server's own name and port
//! and `X-Forwarded-For` begins with the visitor (Web Tools Technical Reference, "Troubleshooting Gateway Communications").
//! The vendor's page repeats 500 and 504 for ever and without delay (observed with the page of 4.0 SU4), so neither ever reaches it; and it gives
//! each request 12 seconds, so our own answer comes before that.

use ::http::{Method, StatusCode};
use pingora_core::Result;
use pingora_http::ResponseHeader;
use std::time::Duration;

use super::interaction::{self, Dialect, Operation, Wire};
use super::{Kind, listed, path};
use crate::exchange::Call;
use crate::reason::Reason;
use crate::respond::{Answer, Audience};
use crate::routing::{LiteralPath, Mapping};
use crate::upstream::Timeouts;

pub(super) struct Webtools;

impl Kind for Webtools {
    fn name(&self) -> &'static str {
        "webtools"
    }

    fn default_port(&self, tls: bool) -> Option<u16> {
        Some(if tls { 3508 } else { 8114 })
    }

    fn timeouts(&self) -> Timeouts {
        Timeouts {
            // `Timeouts::longest_wait` stays under the page's own 12 s.
            connect: Duration::from_secs(2),
            response: Duration::from_secs(7),
            stream: Duration::from_secs(7),
            pooled: Duration::from_secs(4),
        }
    }

    fn mapping(&self, _base: &LiteralPath, expose: Option<&[LiteralPath]>) -> Mapping {
        Mapping::below(path("/"), listed(expose, "/websvcs/"))
    }

    fn question(&self) -> Option<&'static str> {
        Some("/websvcs/serverConfiguration")
    }

    fn stands_by(&self) -> bool {
        true
    }

    fn may_repeat(&self, _method: &Method, path: &str) -> bool {
        // A poll takes events off the server's queue, in whatever spelling: a path that two readers could read differently is not
        // on the list of those that surely take nothing.
        let path = path.to_ascii_lowercase();
        let plain = !path.contains(['%', ';', '\\']) && !path.contains("..");
        let under = |prefix| plain && path.starts_with(prefix);
        path == "/websvcs/serverconfiguration"
            || under("/websvcs/callback/status/")
            || under("/websvcs/chat/getfile/")
    }

    fn response(&self, call: &Call, head: &mut ResponseHeader) -> Result<()> {
        let endless = matches!(
            head.status,
            StatusCode::INTERNAL_SERVER_ERROR | StatusCode::GATEWAY_TIMEOUT
        );
        if endless && call.upstream.facts.server_errors_as_502 {
            head.set_status(StatusCode::BAD_GATEWAY)?;
        }
        Ok(())
    }

    fn interactions(&self) -> Option<Wire> {
        Some(Wire::Webtools)
    }

    fn answer(&self, reason: Reason, audience: &Audience<'_>) -> Answer {
        if reason.is_limit()
            && let Some((method, path)) = audience.asked
            && let Some(operation) = Operation::of(Wire::Webtools, method, path)
        {
            let dialect = audience.headers.map_or(Dialect::Json, Dialect::wanted);
            let refusal = interaction::refusal(Wire::Webtools, &operation, dialect);
            return Answer::new(refusal.status, refusal.content_type, refusal.body);
        }
        // SECURITY: a 500 or 504 here would make every open page a tight endless loop of requests.
        let status = match reason.status() {
            Some(504 | 500) | None => 503,
            Some(status) => status,
        };
        let body = serde_json::json!({ "status": { "type": "failure", "reason": "error.websvc.unavailable" } });
        Answer::new(status, "application/json; charset=utf-8", body.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_answer_of_ours_is_a_500_or_504() {
        for reason in Reason::ALL {
            let answer = Webtools.answer(*reason, &Audience::default());
            assert!(
                !matches!(answer.status, 500 | 504),
                "{reason:?} gives {}",
                answer.status
            );
        }
    }

    #[test]
    fn our_own_answer_comes_before_the_page_gives_up() {
        assert!(Webtools.timeouts().longest_wait() < Duration::from_secs(12));
    }

    #[test]
    fn only_what_takes_nothing_from_the_server_is_repeated() {
        for (path, repeated) in [
            ("/websvcs/serverConfiguration", true),
            ("/WebSvcs/Callback/Status/x", true),
            ("/websvcs/chat/getfile/x/y/-z", true),
            ("/websvcs/chat/poll/x", false),
            ("/websvcs/chat/%70oll/x", false),
            ("/websvcs/callback/status/../../chat/poll/x", false),
            ("/websvcs/callback/status/%2e%2e/%2e%2e/chat/poll/x", false),
            ("/websvcs/anything", false),
        ] {
            assert_eq!(Webtools.may_repeat(&Method::GET, path), repeated, "{path}");
        }
    }
}
