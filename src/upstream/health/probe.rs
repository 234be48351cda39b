//! One probe: a connection as requests make it, one GET if the rule has a path, and what came of it.
//!
//! ```text
//! GET /icws/connection/version HTTP/1.1
//! Host: icserver1.corp.local:8019
//! User-Agent: Portcullis/0.1.0 health
//! Accept: */*
//! Connection: close
//! ```
//!
//! It has no cookie and no client. It is never repeated: what failed is seen again by the next one.

use std::time::{Duration, Instant};

use http::header::{ACCEPT, CONNECTION, HOST, USER_AGENT};
use pingora_core::connectors::http::Connector;
use pingora_core::protocols::http::client::HttpSession;
use pingora_core::upstreams::peer::{HttpPeer, Peer};
use pingora_core::{Error, ErrorType, Result};
use pingora_http::RequestHeader;
use tokio::time::timeout;

use super::rule::{Meaning, Rule};
use super::{Failure, Sign};
use crate::upstream::server::TRIES;
use crate::upstream::{Timeouts, Upstream, Wait};

/// Who asks.
const AGENT: &str = concat!("Portcullis/", env!("CARGO_PKG_VERSION"), " health");
/// What is read of a body, so that the server can close in peace. It has no say in the outcome.
const BODY: usize = 64 * 1024;
/// The most 1xx answers before the answer.
const INTERIM: usize = 10;

/// What came of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server works.
    Works,
    /// It is the backup of a pair.
    StandsBy,
    /// Something is wrong.
    Failed(Failure),
}

impl Outcome {
    /// Every word of [`Outcome::word`].
    pub const WORDS: [&'static str; 9] = [
        "up",
        "standby",
        "status",
        "timeout",
        "connect",
        "tls",
        "broken",
        "unresolved",
        "untried",
    ];

    /// The word in `portcullis_upstream_probes_total`.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Works => "up",
            Outcome::StandsBy => "standby",
            Outcome::Failed(failure) => failure.word(),
        }
    }

    /// What it says of the server; `None` if it was not asked.
    pub(super) fn sign(&self) -> Option<Sign> {
        match self {
            Outcome::Works => Some(Sign::Works),
            Outcome::StandsBy => Some(Sign::StandsBy),
            Outcome::Failed(Failure::Ours(_)) => None,
            Outcome::Failed(_) => Some(Sign::Fails),
        }
    }
}

/// Probes a server once, and says how long it took until there was something to say.
pub async fn probe(connector: &Connector, upstream: &Upstream, rule: &Rule) -> (Outcome, Duration) {
    let began = Instant::now();
    let (outcome, session) = match timeout(rule.timeout, ask(connector, upstream, rule)).await {
        Ok(Ok((outcome, session))) => (outcome, session),
        Ok(Err(failure)) => (Outcome::Failed(failure), None),
        Err(_) => (Outcome::Failed(Failure::Timeout(rule.timeout)), None),
    };
    let took = began.elapsed();
    if let Some(session) = session {
        let left = rule.timeout.saturating_sub(took);
        // A server that dawdles with its body has answered all the same.
        let _ = timeout(left, read_some(session)).await;
    }
    (outcome, took)
}

type Answered = (Outcome, Option<Box<HttpSession>>);

async fn ask(
    connector: &Connector,
    upstream: &Upstream,
    rule: &Rule,
) -> std::result::Result<Answered, Failure> {
    let mut session = connected(connector, upstream, rule).await?;
    let Some(path) = &rule.path else {
        return Ok((Outcome::Works, None));
    };
    let status = status(&mut session, upstream, path).await;
    let status = status.map_err(|error| Failure::of(&error, rule.timeout))?;
    let outcome = match rule.judge(status) {
        Meaning::Works => Outcome::Works,
        Meaning::StandsBy => Outcome::StandsBy,
        Meaning::Wrong => Outcome::Failed(Failure::Status(status)),
    };
    Ok((outcome, Some(session)))
}

/// A connection of its own, by the server's addresses in the order in which requests try them.
async fn connected(
    connector: &Connector,
    upstream: &Upstream,
    rule: &Rule,
) -> std::result::Result<Box<HttpSession>, Failure> {
    let timeouts = Timeouts {
        connect: rule.timeout,
        response: rule.timeout,
        stream: rule.timeout,
        pooled: rule.timeout,
    };
    for tried in 1.. {
        let peer = upstream.peer(Wait::Answer, &timeouts, true);
        let peer = peer.map_err(|_| Failure::Unresolved)?;
        let error = match connector.get_http_session(&*peer).await {
            Ok((session, _)) => return admissible(upstream, session).map(Box::new),
            Err(error) => error,
        };
        let failure = Failure::of(&error, rule.timeout);
        if tried == TRIES || !goes_on(upstream, &peer, &failure) {
            return Err(failure);
        }
    }
    Err(Failure::Unresolved)
}

/// Whether the next address is worth a try; requests prefer it from now on, too.
fn goes_on(upstream: &Upstream, peer: &HttpPeer, failure: &Failure) -> bool {
    let another = peer
        .address()
        .as_inet()
        .is_some_and(|failed| upstream.avoid(*failed));
    another && !matches!(failure, Failure::Tls(_))
}

/// The file may want TLS 1.3 alone.
fn admissible(
    upstream: &Upstream,
    session: HttpSession,
) -> std::result::Result<HttpSession, Failure> {
    let version = session
        .digest()
        .and_then(|digest| digest.ssl_digest.as_ref())
        .map(|tls| &*tls.version);
    match upstream.is_tls() && upstream.facts.only_tls_1_3 && version != Some("TLSv1.3") {
        true => Err(Failure::Tls("older than 1.3 (min_tls)".to_owned())),
        false => Ok(session),
    }
}

async fn status(session: &mut HttpSession, upstream: &Upstream, path: &str) -> Result<u16> {
    let mut head = RequestHeader::build("GET", path.as_bytes(), Some(4))?;
    head.insert_header(HOST, &upstream.facts.host)?;
    head.insert_header(USER_AGENT, AGENT)?;
    head.insert_header(ACCEPT, "*/*")?;
    head.insert_header(CONNECTION, "close")?;
    session.write_request_header(Box::new(head)).await?;
    session.finish_request_body().await?;
    for _ in 0..=INTERIM {
        session.read_response_header().await?;
        match session.response_header().map(|head| head.status) {
            Some(status) if !status.is_informational() => return Ok(status.as_u16()),
            _ => {}
        }
    }
    Err(Error::new_up(ErrorType::InvalidHTTPHeader))
}

async fn read_some(mut session: Box<HttpSession>) {
    let mut read = 0;
    while read < BODY {
        match session.read_response_body().await {
            Ok(Some(piece)) => read += piece.len(),
            Ok(None) | Err(_) => return,
        }
    }
}
