//! `check --live`: what only the world can tell: names, connections, certificates, clocks, limits of the process.
//!
//! Nothing is changed at a server: one connection each and, where there is something harmless to ask, the GET of a health probe.

mod certificate;

use std::time::{Duration, SystemTime};

use pingora_core::connectors::http::Connector;
use pingora_core::protocols::Digest;
use pingora_core::upstreams::peer::{HttpPeer, Peer};
use pingora_http::RequestHeader;

use crate::config::Config;
use crate::front_door::tls::names_of;
use crate::snapshot::Snapshot;
use crate::upstream::health::{Meaning, judge};
use crate::upstream::{Upstream, Wait};
use certificate::Shown;

/// How long one server may take for everything.
const PATIENCE: Duration = Duration::from_secs(15);
/// A clock this far off breaks tokens and certificates before long.
const SKEW: Duration = Duration::from_secs(60);
/// Two descriptors for each proxied connection, and some for files and listeners.
const DESCRIPTORS: u64 = 65_536;

/// One thing looked at.
pub(super) struct Finding {
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// What was found.
    pub text: String,
}

/// What is to be done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Good,
    /// Nothing here, but somebody should know.
    Note,
    /// Something before long.
    Soon,
    /// Something now.
    Bad,
}

fn good(text: String) -> Finding {
    Finding {
        verdict: Verdict::Good,
        text,
    }
}

fn note(text: String) -> Finding {
    Finding {
        verdict: Verdict::Note,
        text,
    }
}

fn soon(text: String) -> Finding {
    Finding {
        verdict: Verdict::Soon,
        text,
    }
}

fn bad(text: String) -> Finding {
    Finding {
        verdict: Verdict::Bad,
        text,
    }
}

/// Looks at everything the configuration names.
pub(super) async fn look(config: &Config, snapshot: &Snapshot) -> Vec<Finding> {
    let mut found = vec![descriptors()];
    found.extend(
        config
            .tls
            .certificates
            .iter()
            .chain(&config.admin.tls)
            .filter_map(certificate::of_listener),
    );
    // All at once: a server that does not answer takes its whole patience.
    let asked: Vec<_> = snapshot
        .upstreams
        .iter()
        .map(|upstream| {
            let upstream = upstream.clone();
            tokio::spawn(async move {
                let name = &upstream.facts.name;
                match tokio::time::timeout(PATIENCE, server(&upstream)).await {
                    Ok(findings) => findings,
                    Err(_) => vec![bad(format!("{name}: no answer within {PATIENCE:?}"))],
                }
            })
        })
        .collect();
    for findings in asked {
        found.extend(findings.await.unwrap_or_default());
    }
    found
}

/// The limit of whoever checks, often a shell's: the gateway's own is for the unit to say, so a low one here is no fault.
fn descriptors() -> Finding {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .current
        .unwrap_or(u64::MAX);
    if limit < DESCRIPTORS {
        note(format!(
            "this shell may open {limit} files; a gateway started from it has room for about {} clients: `ulimit -n {DESCRIPTORS}`. \
             Under systemd LimitNOFILE= of the unit counts instead",
            limit / 2
        ))
    } else {
        good(format!("this shell may open {limit} files"))
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
    let shown = shown(upstream, &peer).await;
    let lifetime = shown
        .as_ref()
        .map(|shown| certificate::lifetime(&format!("{name}: its certificate"), &shown.leaf));
    let connector = Connector::new(None);
    let (mut session, _) = match connector.get_http_session(&*peer).await {
        Ok(session) => session,
        Err(error) => {
            let unverified = shown.and_then(|shown| Some((shown.unverified?, shown.leaf)));
            found.push(bad(match unverified {
                Some((why, leaf)) => format!(
                    "{name}: its certificate for {} does not verify for {:?}: {why}",
                    names_of(&leaf).join(", "),
                    upstream.tls_name()
                ),
                None => format!(
                    "{name}: no connection to {}: {}",
                    peer.address(),
                    cause(&error)
                ),
            }));
            // Often the very reason.
            found.extend(lifetime.filter(|found| found.verdict == Verdict::Bad));
            return found;
        }
    };
    if upstream.is_tls() {
        found.push(tls(upstream, session.digest()));
        found.extend(lifetime);
    }
    let probed = upstream
        .facts
        .probe
        .as_ref()
        .and_then(|rule| rule.path.as_deref());
    let Some(question) = probed.or(upstream.facts.kind.question()) else {
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
        Ok(()) => found.extend(answer(upstream, question, session.response_header())),
        Err(error) => found.push(bad(format!(
            "{name}: GET {question} was not answered: {}",
            cause(&error)
        ))),
    }
    found
}

/// The certificate of a server with TLS, if it can be had.
async fn shown(upstream: &Upstream, peer: &HttpPeer) -> Option<Shown> {
    if !upstream.is_tls() {
        return None;
    }
    let address = *peer.address().as_inet()?;
    let (name, authorities) = (upstream.tls_name().to_owned(), peer.options.ca.clone());
    tokio::task::spawn_blocking(move || {
        let authorities = authorities.as_ref().map(|authorities| &***authorities);
        certificate::shown_by(address, &name, authorities, PATIENCE / 5)
    })
    .await
    .ok()
    .flatten()
}

fn tls(upstream: &Upstream, digest: Option<&Digest>) -> Finding {
    let name = &upstream.facts.name;
    let version = digest
        .and_then(|digest| digest.ssl_digest.as_ref())
        .map(|tls| tls.version.to_string())
        .unwrap_or_default();
    if upstream.facts.only_tls_1_3 && version != "TLSv1.3" {
        return bad(format!(
            "{name}: speaks {version}, and the file asks for TLS 1.3 (`min_tls`)"
        ));
    }
    if upstream.is_insecure() {
        return soon(format!(
            "{name}: {version}, the certificate is NOT verified (insecure: true)"
        ));
    }
    good(format!(
        "{name}: {version}, the certificate verifies for {:?}",
        upstream.tls_name()
    ))
}

/// The innermost reason in an error of Pingora's, without the wrapping that names its own functions.
fn cause(error: &pingora_core::Error) -> String {
    let mut reason = error.etype.as_str().to_owned();
    let mut next = Some(error);
    while let Some(error) = next {
        // Where we came from is no reason why it failed.
        let context = error.context.as_ref().map(|context| context.as_str());
        if let Some(context) = context.filter(|context| !context.starts_with("local address")) {
            context.clone_into(&mut reason);
        }
        next = match error.cause.as_deref() {
            Some(cause) => match cause.downcast_ref::<pingora_core::BError>() {
                Some(inner) => Some(inner),
                None => return format!("{reason}: {cause}"),
            },
            None => None,
        };
    }
    reason
}

fn answer(
    upstream: &Upstream,
    question: &str,
    head: Option<&pingora_http::ResponseHeader>,
) -> Vec<Finding> {
    let facts = &upstream.facts;
    let name = &facts.name;
    let Some(head) = head else {
        return vec![bad(format!("{name}: GET {question} was not answered"))];
    };
    let status = head.status.as_u16();
    let text = format!("{name}: GET {question} answers {status}");
    let mut found = vec![
        match judge(status, facts.probe.as_ref(), facts.kind.stands_by()) {
            Meaning::Works => good(text),
            // A backup answers 503 all day.
            Meaning::StandsBy => good(format!("{text}: a backup that stands by")),
            Meaning::Wrong => bad(text),
        },
    ];
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
