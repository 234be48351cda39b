//! `explain`: what would happen to a request, by the very code that would decide it, without sending anything.
//!
//! Exit code 0: a server, a file or a redirect would answer; 1: it would be refused, or the configuration is wrong; 2: wrong arguments.

mod asked;
mod door;
mod inward;
mod limits;
mod session;
mod stand_ins;
mod text;

use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::{complain, print};
use crate::config::Config;
use crate::diagnostic::Report;
use crate::front_door::ListenerSettings;
use crate::front_door::framing;
use crate::kinds::{self, Kind};
use crate::load::load;
use crate::reason::Reason;
use crate::routing::decide::{Goal, Incoming, Refusal, decide, redirect};
use crate::runtime::Runtime;
use crate::snapshot::{Route, Snapshot};
use asked::{Asked, without_values};
use text::Text;

pub(super) async fn explain(file: &Path, request: &[String], from: Option<IpAddr>) -> ExitCode {
    let asked = match Asked::parse(request) {
        Ok(asked) => asked,
        Err(why) => {
            complain(&format!("portcullis explain: {why}\n"));
            return ExitCode::from(2);
        }
    };
    let (loaded, source) = match load(file) {
        Ok(loaded) => loaded,
        Err(report) => {
            complain(&report.to_string());
            return ExitCode::FAILURE;
        }
    };
    let config = &*loaded.config;
    let runtime = Runtime::new();
    let snapshot = match Snapshot::compile(config, &runtime) {
        Ok(snapshot) => snapshot,
        Err(mistakes) => {
            complain(&Report::new(source, mistakes).to_string());
            return ExitCode::FAILURE;
        }
    };
    let mut text = Text::default();
    text.title(&format!("{} {}", asked.method, asked.url()));
    let known = Known {
        config,
        snapshot: &snapshot,
        runtime: &runtime,
        from,
    };
    let told = tell(&mut text, &known, &asked).await;
    if let Err(refusal) = &told {
        refused(&mut text, refusal);
    }
    let kind = match &told {
        Ok(route) => route.as_ref(),
        Err(No::Refused(refusal)) => refusal.route.as_ref(),
        Err(_) => None,
    };
    logged(
        &mut text,
        config,
        &asked,
        kind.and_then(|route| route.kind()),
    );
    print(text.as_str());
    match told {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Why a request gets no further.
enum No {
    /// The connection does not come about, or ends without an answer.
    Connection(String),
    /// The gateway says no by itself.
    Refused(Refusal),
    /// There is no such file, or it is not served.
    File(u16, &'static str),
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        No::Refused(refusal)
    }
}

impl From<Reason> for No {
    fn from(reason: Reason) -> Self {
        No::Refused(reason.into())
    }
}

/// What the answer is told from.
struct Known<'a> {
    config: &'a Config,
    snapshot: &'a Snapshot,
    runtime: &'a Runtime,
    /// The other end of the TCP connection.
    from: Option<IpAddr>,
}

/// Returns the route, if one was found.
async fn tell(text: &mut Text, known: &Known<'_>, asked: &Asked) -> Result<Option<Arc<Route>>, No> {
    let Known {
        config,
        snapshot,
        runtime,
        from,
    } = *known;
    let listener = door::listener(text, snapshot, asked)?;
    limits::client(text, snapshot, listener, from);
    let server_name = asked.server_name();
    if let Some(tls) = &listener.tls {
        door::tls(text, config, listener, tls, server_name.as_deref())?;
    }
    door::limits(text, listener);
    let target = asked.target();
    head(asked, &target)?;
    let sni = server_name.as_deref().filter(|_| listener.tls.is_some());
    let incoming = Incoming {
        host: &asked.authority,
        port: listener.listen.port(),
        sni,
        method: &asked.method,
        path: &asked.path,
        query: asked.query.as_deref(),
    };
    if let Some(port) = listener.redirect_port {
        let location = redirect(snapshot, &incoming, port)?;
        text.line("answer", &format!("308 to {}", without_values(&location)));
        limits::of_address(text, snapshot, runtime, &snapshot.limits.requests);
        return Ok(None);
    }
    let decision = decide(snapshot, &incoming)?;
    text.line("route", &decision.route.name);
    let scopes = decision.route.limits.clone();
    let route = decision.route.clone();
    match decision.goal {
        Goal::Files { site, path } => inward::file(text, &site, &asked.method, &path).await?,
        Goal::Server {
            upstream,
            timeouts,
            path,
        } => {
            let chosen = stand_ins::chosen(text, &route, &config.admin).await;
            let (upstream, timeouts) = chosen.map_or((upstream, timeouts), |behind| {
                (behind.upstream.clone(), behind.timeouts)
            });
            let call = inward::call(asked, decision.route.clone(), upstream, timeouts, path);
            inward::server(text, snapshot, &call, from);
            body(text, listener, decision.route.body_limit);
            limits::of_interactions(text, snapshot, &call, from);
            session::of_user(text, &call);
        }
    }
    limits::of_address(text, snapshot, runtime, &scopes);
    Ok(Some(route))
}

/// The front door reads the head as it would come over HTTP/1.1.
fn head(asked: &Asked, target: &str) -> Result<(), No> {
    let Asked {
        method, authority, ..
    } = asked;
    let head = format!("{method} {target} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    framing::check(head.as_bytes())?;
    Ok(())
}

fn body(text: &mut Text, listener: &ListenerSettings, limit: u64) {
    text.line(
        "body",
        &format!(
            "at most {}, never silent for longer than {}",
            text::size(limit),
            text::time(listener.body_idle)
        ),
    );
}

/// What the access log would have of the URL: the path, with what is secret in it hidden.
fn logged(text: &mut Text, config: &Config, asked: &Asked, kind: Option<&'static dyn Kind>) {
    let Some(access) = &config.log.access else {
        return;
    };
    let path = kinds::shown(kind, &asked.path);
    text.line("logged", &format!("{} {path}", asked.method));
    if let Some(file) = &access.file {
        let format = access.format.word();
        text.line("", &format!("in {}, as {format}", file.as_str()));
    }
    if let Some(syslog) = &access.syslog {
        let format = syslog.format.word();
        text.line("", &format!("to {}, as {format}", *syslog.to));
    }
}

fn refused(text: &mut Text, no: &No) {
    match no {
        No::Connection(why) => text.line("refused", why),
        No::File(status, why) => text.line("refused", &format!("{status}: {why}")),
        No::Refused(Refusal { reason, detail, .. }) => {
            let status = reason
                .status()
                .map_or_else(|| "closed".to_owned(), |status| status.to_string());
            let (code, message) = (reason.code(), reason.message());
            text.line("refused", &format!("{status} {code}: {message}"));
            if let Some(detail) = detail {
                text.line("because", detail);
            }
        }
    }
}
