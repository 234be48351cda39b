//! `check --live`: what only the world can tell: names, connections, certificates, clocks, limits of the process.
//!
//! Nothing is changed at a server: one connection each and, for the kinds with a harmless question (`icws.md` 3.4, 4.6 and 6), one GET.

use std::time::{Duration, SystemTime};

use pingora_core::connectors::http::Connector;
use pingora_core::upstreams::peer::Peer;
use pingora_http::RequestHeader;

use crate::snapshot::Snapshot;
use crate::upstream::{Upstream, Wait};

/// How long one server may take for everything.
const PATIENCE: Duration = Duration::from_secs(15);
/// A clock this far off breaks tokens and certificates before long.
const SKEW: Duration = Duration::from_secs(60);
/// Two descriptors for each proxied connection, and some for files and listeners.
const DESCRIPTORS: u64 = 65_536;

/// One thing looked at.
pub(super) struct Finding {
    /// Whether it is as it should be.
    pub good: bool,
    /// What was found.
    pub text: String,
}

fn good(text: String) -> Finding {
    Finding { good: true, text }
}

fn bad(text: String) -> Finding {
    Finding { good: false, text }
}

/// Looks at everything the configuration names.
pub(super) async fn look(snapshot: &Snapshot) -> Vec<Finding> {
    let mut found = vec![descriptors()];
    for upstream in &snapshot.upstreams {
        let name = &upstream.facts.name;
        match tokio::time::timeout(PATIENCE, server(upstream)).await {
            Ok(findings) => found.extend(findings),
            Err(_) => found.push(bad(format!("{name}: no answer within {PATIENCE:?}"))),
        }
    }
    found
}

fn descriptors() -> Finding {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .current
        .unwrap_or(u64::MAX);
    if limit < DESCRIPTORS {
        bad(format!(
            "this process may open {limit} files, which is about {} clients at a time: set LimitNOFILE={DESCRIPTORS} in the \
             unit, or `ulimit -n {DESCRIPTORS}`",
            limit / 2
        ))
    } else {
        good(format!("this process may open {limit} files"))
    }
}

async fn server(upstream: &Upstream) -> Vec<Finding> {
    let name = &upstream.facts.name;
    let Some(address) = resolved(upstream).await else {
        return vec![bad(format!(
            "{name}: the name in {} does not resolve",
            upstream.facts.url
        ))];
    };
    let mut found = vec![good(format!(
        "{name}: {} is at {address}",
        upstream.facts.url
    ))];
    let peer = match upstream.peer(Wait::Answer, &upstream.facts.timeouts, false) {
        Ok(peer) => peer,
        Err(reason) => return vec![bad(format!("{name}: {}", reason.message()))],
    };
    let connector = Connector::new(None);
    let (mut session, _) = match connector.get_http_session(&*peer).await {
        Ok(session) => session,
        Err(error) => {
            found.push(bad(format!(
                "{name}: no connection to {}: {error}",
                peer.address()
            )));
            return found;
        }
    };
    if upstream.is_tls() {
        let verified = if upstream.is_insecure() {
            "is NOT verified (insecure: true)".to_owned()
        } else {
            format!("verifies for {:?}", upstream.tls_name())
        };
        let version = session
            .digest()
            .and_then(|digest| digest.ssl_digest.as_ref())
            .map(|tls| tls.version.to_string());
        let version = version.unwrap_or_default();
        found.push(good(format!(
            "{name}: {version}, the certificate {verified}"
        )));
    }
    let Some(question) = upstream.facts.kind.question() else {
        return found;
    };
    let asked = async {
        let mut head = RequestHeader::build("GET", question.as_bytes(), Some(2))?;
        head.insert_header("Host", &upstream.facts.host)?;
        head.insert_header("Accept", "*/*")?;
        session.write_request_header(Box::new(head)).await?;
        session.finish_request_body().await?;
        session.read_response_header().await
    };
    match asked.await {
        Ok(()) => found.extend(answer(name, question, session.response_header())),
        Err(error) => found.push(bad(format!(
            "{name}: GET {question} was not answered: {error}"
        ))),
    }
    found
}

fn answer(name: &str, question: &str, head: Option<&pingora_http::ResponseHeader>) -> Vec<Finding> {
    let Some(head) = head else {
        return vec![bad(format!("{name}: GET {question} was not answered"))];
    };
    let status = head.status.as_u16();
    let mut found = vec![match status {
        200..=299 => good(format!("{name}: GET {question} answers {status}")),
        // A backup answers 503 all day (`icws.md` 1(7), 4.6).
        503 => good(format!(
            "{name}: GET {question} answers 503: a backup that stands by"
        )),
        _ => bad(format!("{name}: GET {question} answers {status}")),
    }];
    let clock = head
        .headers
        .get("date")
        .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    if let Some(theirs) = clock {
        let now = SystemTime::now();
        let skew = now
            .duration_since(theirs)
            .or_else(|_| theirs.duration_since(now))
            .unwrap_or_default();
        if skew > SKEW {
            found.push(bad(format!(
                "{name}: its clock is {} s off ours: check NTP on both",
                skew.as_secs()
            )));
        }
    }
    found
}

/// The resolver works in the background: give it a moment.
async fn resolved(upstream: &Upstream) -> Option<String> {
    for _ in 0..50 {
        if upstream.addresses() > 0 {
            let peer = upstream
                .peer(Wait::Answer, &upstream.facts.timeouts, false)
                .ok()?;
            return Some(peer.address().to_string());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    None
}
