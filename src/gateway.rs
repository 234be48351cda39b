//! The steps of a request, in order. What each step does is written elsewhere; this file only calls.
//!
//! ```text
//! early_request_filter     who is the client · caps on an HTTP/2 head
//! request_filter           redirect · route · limits of the client · declared body size · files are answered here · a place for a chat
//! upstream_peer            the route's server
//! connected_to_upstream    TLS version
//! upstream_request_filter  path, Host, forwarding headers, cookies joined, what the kind needs
//! request_body_filter      body cap
//! response_filter          cookies and locations mapped back, what the kind needs, who is signed in
//! response_body_filter     small answers shown to the kind
//! fail_to_connect          the server's next address, or the next server where one stands in for another
//! error_while_proxy        once more on a fresh connection, or not
//! fail_to_proxy            error -> Reason -> answer
//! logging                  metrics, access log, log
//! ```

pub mod account;
mod arrival;
mod body;
mod departure;
mod fail_over;
mod failure;
mod file;
mod health;
pub mod interaction;
mod itself;
pub mod limits;
mod passage;
pub mod people;
mod repeat;

use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use pingora_core::protocols::Digest;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};

pub use failure::error;

use crate::exchange::Exchange;
use crate::front_door::Connection;
use crate::observe::line::Quoted;
use crate::reason::Reason;
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;
use crate::upstream::Wait;
use crate::upstream::health::Failure;

/// The proxy application: one for the process.
pub struct Gateway {
    snapshot: Arc<ArcSwap<Snapshot>>,
    runtime: Arc<Runtime>,
}

impl Gateway {
    /// A gateway that follows `snapshot`.
    pub fn new(snapshot: Arc<ArcSwap<Snapshot>>, runtime: Arc<Runtime>) -> Self {
        Gateway { snapshot, runtime }
    }

    /// How the server is reached for this try.
    fn peer(
        &self,
        session: &mut Session,
        exchange: &mut Exchange,
    ) -> std::result::Result<Box<HttpPeer>, Reason> {
        let call = exchange.call.as_ref().ok_or(Reason::Internal)?;
        let wait = if session.is_upgrade_req() && call.upstream.facts.websocket {
            Wait::Upgrade
        } else if call.upstream.facts.kind.is_stream(session.req_header()) {
            Wait::EventStream
        } else {
            Wait::Answer
        };
        if wait != Wait::Answer {
            session.set_read_timeout(Some(call.timeouts.stream));
        }
        exchange.tries += 1;
        exchange.timings.tries();
        let peer = call.upstream.peer(wait, &call.timeouts, exchange.repeated);
        peer.inspect_err(|reason| {
            let servers = &self.runtime.metrics.upstreams;
            servers.failed(&call.upstream, *reason);
            self.runtime
                .health
                .unreached(&call.upstream, &Failure::Unresolved);
        })
    }

    /// A try has failed; that another one may follow makes it no better.
    fn server_failed(&self, exchange: &Exchange, error: &Error) {
        let reason = failure::reason(error);
        if let (true, Some(call)) = (reason.is_of_server(), &exchange.call) {
            self.runtime
                .metrics
                .upstreams
                .failed(&call.upstream, reason);
        }
    }
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Exchange;

    fn new_ctx(&self) -> Exchange {
        Exchange::new(self.snapshot.load_full(), Connection::current())
    }

    async fn early_request_filter(
        &self,
        session: &mut Session,
        exchange: &mut Exchange,
    ) -> Result<()> {
        account::opens(session, exchange, &self.runtime);
        arrival::settle(session, exchange);
        exchange.counted_as = limits::counted_as(exchange);
        if let Some(client) = exchange.client {
            Connection::is_for(client);
        }
        Ok(())
    }

    async fn request_filter(&self, session: &mut Session, exchange: &mut Exchange) -> Result<bool> {
        match arrival::admit(session, exchange, &self.runtime).await {
            Ok(arrival::Admitted::ToServer) => Ok(false),
            Ok(arrival::Admitted::Answered) => Ok(true),
            Err(refusal) => {
                failure::refuse(session, exchange, refusal).await?;
                Ok(true)
            }
        }
    }

    async fn upstream_peer(
        &self,
        session: &mut Session,
        exchange: &mut Exchange,
    ) -> Result<Box<HttpPeer>> {
        loop {
            match self.peer(session, exchange) {
                // A name without an address is as good as no connection.
                Err(Reason::UpstreamUnresolved)
                    if fail_over::goes_on(
                        exchange,
                        &Reason::UpstreamUnresolved.message(),
                        &self.runtime,
                    ) => {}
                peer => return peer.map_err(failure::error),
            }
        }
    }

    async fn connected_to_upstream(
        &self,
        _session: &mut Session,
        reused: bool,
        peer: &HttpPeer,
        _fd: RawFd,
        digest: Option<&Digest>,
        exchange: &mut Exchange,
    ) -> Result<()> {
        body::server_is_there();
        exchange.timings.connected(reused);
        if let Some(call) = &exchange.call {
            let servers = &self.runtime.metrics.upstreams;
            servers.connected(&call.upstream, reused, exchange.timings.connect);
        }
        itself::refuse(exchange, reused, peer, digest, &self.runtime)?;
        passage::check_tls_version(exchange, reused, digest)
    }

    async fn upstream_request_filter(
        &self,
        _session: &mut Session,
        head: &mut RequestHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        interaction::sent(exchange, head)?;
        passage::prepare(exchange, head)
    }

    async fn request_body_filter(
        &self,
        session: &mut Session,
        chunk: &mut Option<Bytes>,
        end: bool,
        exchange: &mut Exchange,
    ) -> Result<()> {
        exchange
            .timings
            .from_client(chunk.as_ref().map_or(0, Bytes::len));
        // A tunnel has no body to cap. Only the server's own 101 makes one, never a request's header.
        if session.was_upgraded() {
            return Ok(());
        }
        body::request_chunk(exchange, chunk.as_ref(), end)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        head: &mut ResponseHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        if !head.status.is_informational() || head.status == StatusCode::SWITCHING_PROTOCOLS {
            exchange.timings.answered(head.status.as_u16());
            health::answered(exchange, &self.runtime);
        }
        if let Some(notice) = departure::prepare(session, exchange, head)? {
            self.runtime.notices.warn(&notice);
        }
        people::answered(exchange, session.req_header(), head, &self.runtime.people);
        account::answers(session, exchange, head, &self.runtime);
        if departure::has_no_end(head) && exchange.observed.is_none() {
            exchange.lasts();
        }
        Ok(())
    }

    fn response_body_filter(
        &self,
        session: &mut Session,
        chunk: &mut Option<Bytes>,
        end: bool,
        exchange: &mut Exchange,
    ) -> Result<Option<Duration>> {
        exchange
            .timings
            .from_server(chunk.as_ref().map_or(0, Bytes::len));
        // Bytes of a tunnel are nobody's business. Only the server's own 101 makes one, never a request's header.
        if !session.was_upgraded() {
            for notice in body::response_chunk(exchange, chunk.as_ref(), end) {
                self.runtime.notices.warn(&notice);
            }
        }
        Ok(None)
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        peer: &HttpPeer,
        exchange: &mut Exchange,
        error: Box<Error>,
    ) -> Box<Error> {
        self.server_failed(exchange, &error);
        health::unreached(exchange, &error, &self.runtime);
        repeat::next_address(exchange, peer, error, &self.runtime)
    }

    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        exchange: &mut Exchange,
        reused: bool,
    ) -> Box<Error> {
        self.server_failed(exchange, &error);
        let asked = exchange.call.as_ref().map(|call| call.upstream.clone());
        let error = repeat::repeat_or_not(session, exchange, error, reused, &self.runtime);
        if let Some(asked) = asked {
            health::left(exchange, &asked, &error, &self.runtime);
        }
        error
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        exchange: &mut Exchange,
    ) -> FailToProxy {
        failure::answer(session, exchange, error).await
    }

    fn request_summary(&self, session: &Session, exchange: &Exchange) -> String {
        // SECURITY: Pingora's own puts the query into its warnings, for instance about a connection that it replaced.
        let head = session.req_header();
        format!(
            "{} {} {}",
            exchange.id,
            head.method,
            Quoted(&account::shown_path(exchange, head.uri.path()))
        )
    }

    fn suppress_error_log(&self, _session: &Session, _exchange: &Exchange, _error: &Error) -> bool {
        // `logging` writes the one line, with the reason's code and without the query.
        true
    }

    fn suppress_proxy_warn_log(
        &self,
        _session: &Session,
        _exchange: &Exchange,
        _error: &Error,
        _context: ProxyWarnLogContext,
    ) -> bool {
        // SECURITY: Pingora's line has the query in it. `repeat` writes one without.
        true
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, exchange: &mut Exchange) {
        account::closes(session, exchange, error, &self.runtime);
        if let (Some(reason), Some(address)) = (exchange.refused, exchange.counted_as) {
            self.runtime
                .strike(reason, address, &exchange.snapshot.limits);
        }
        failure::log(session, exchange, error, &self.runtime);
    }
}
