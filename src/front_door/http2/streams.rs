//! The app wrapper that Pingora calls once for each HTTP/2 stream, on a task of the stream's own.
//!
//! ```ignore
//! ServerApp::process_new(&Arc::new(streams), stream, &watch).await;
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::header;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora_core::apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream};
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::v2::server::H2Options;
use pingora_core::server::ShutdownWatch;
use tokio::sync::{Notify, watch};

use super::{Uploads, h2_options};
use crate::front_door::connection::{BodyProgress, Scope};
use crate::front_door::framing::{self, ALLOW};
use crate::front_door::{Connection, HeadLimits, Shared, cut};
use crate::reason::Reason;

/// One HTTP/2 connection as an app.
pub(super) struct Streams<A> {
    pub door: Arc<Shared<A>>,
    pub connection: Arc<Connection>,
    pub options: HttpServerOptions,
    /// Requests this connection may still make.
    pub left: AtomicU32,
    pub open: AtomicUsize,
    pub uploads: Arc<Uploads>,
    /// Makes Pingora say GOAWAY on this connection.
    pub finish: watch::Sender<bool>,
    /// Requests that may still come after that: those that crossed it on the way.
    pub late: AtomicU32,
    /// None of them is left.
    pub enough: Notify,
}

struct Open<'a>(&'a AtomicUsize);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<A> Streams<A> {
    pub(super) fn none_open(&self) -> bool {
        self.open.load(Ordering::Relaxed) == 0
    }

    /// The connection has had its requests: streams under way finish, new ones go to a new connection.
    ///
    /// SECURITY: the library takes new streams until the client has answered the GOAWAY, which nothing makes it do.
    fn count_request(&self) {
        if *self.finish.borrow() {
            let late = self
                .late
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |late| {
                    late.checked_sub(1)
                });
            if late.is_err() {
                self.enough.notify_one();
            }
        }
        let before = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_sub(1))
            });
        if before.is_ok_and(|left| left <= 1) {
            let _ = self.finish.send(true);
        }
    }

    async fn refuse(&self, mut session: ServerSession, reason: Reason) {
        let keeper = &self.door.keeper;
        keeper.refused_head(reason, &self.connection, session.req_header());
        if answer(&mut session, reason).await.is_ok() {
            let _ = session.finish().await;
        }
    }
}

#[async_trait]
impl<A> HttpServerApp for Streams<A>
where
    A: HttpServerApp + Send + Sync + 'static,
{
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        self.open.fetch_add(1, Ordering::Relaxed);
        let _open = Open(&self.open);
        self.count_request();
        let settings = &self.connection.listener;
        session.set_write_timeout(Some(settings.write_idle));
        session.set_total_drain_timeout(Some(settings.body_idle));
        let https = self.connection.tls.is_some();
        if let Err(reason) = check(session.req_header(), &settings.head, https) {
            self.refuse(session, reason).await;
            return None;
        }
        let body = (!session.is_body_done())
            .then(|| Arc::new(BodyProgress::new(settings, self.uploads.clone())));
        let named = cut::named(&self.connection);
        let scope = Scope {
            connection: self.connection.clone(),
            signals: self.door.signals.clone(),
            body: body.clone(),
            finish: Some(self.finish.clone()),
            named: named.clone(),
        };
        let request = scope.around(self.door.app.process_new_http(session, shutdown));
        let stalled = async {
            match body {
                None => std::future::pending().await,
                Some(progress) => progress.stalled().await,
            }
        };
        let keeper = &*self.door.keeper;
        // Dropping the request resets the stream.
        tokio::select! {
            biased;
            _ = request => {}
            reason = stalled => keeper.refused(reason, &self.connection),
            () = cut::of_request(keeper, named) => keeper.refused(Reason::Banned, &self.connection),
        }
        None
    }

    fn h2_options(&self) -> Option<H2Options> {
        Some(h2_options(&self.connection.listener))
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        Some(&self.options)
    }
}

/// The rules of [`framing::check`] that a header list can break. Names, pseudo-fields and connection fields are the library's, the
/// agreement of `:authority` and Host is Pingora's.
fn check(request: &RequestHeader, limits: &HeadLimits, https: bool) -> Result<(), Reason> {
    if !framing::is_allowed_method(request.method.as_str().as_bytes()) {
        return Err(Reason::MethodNotAllowed);
    }
    // Clients split Cookie into many fields for compression (RFC 9113 section 8.2.3); together they are one.
    let cookies = request.headers.get_all(header::COOKIE).iter().count();
    if request.headers.len() - cookies.saturating_sub(1) > limits.fields {
        return Err(Reason::TooManyFields);
    }
    let target = request.raw_path();
    let plain = target.first() == Some(&b'/')
        && target.iter().all(u8::is_ascii_graphic)
        && request.uri.scheme_str() == Some(if https { "https" } else { "http" })
        && request.headers.iter().all(|(name, value)| {
            let name = name.as_str().as_bytes();
            framing::is_value(name, value.as_bytes()) && !framing::poses_as_another(name)
        })
        && request
            .headers
            .get_all(header::EXPECT)
            .iter()
            .all(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if !plain {
        return Err(Reason::MalformedHead);
    }
    let mut lengths = request.headers.get_all(header::CONTENT_LENGTH).iter();
    if let Some(length) = lengths.next() {
        framing::content_length(length.as_bytes())?;
    }
    if lengths.next().is_some() {
        return Err(Reason::AmbiguousLength);
    }
    let authority = match request.uri.authority() {
        Some(authority) => authority.as_str().as_bytes(),
        None => request
            .headers
            .get(header::HOST)
            .ok_or(Reason::BadHost)?
            .as_bytes(),
    };
    framing::is_host(authority)
        .then_some(())
        .ok_or(Reason::BadHost)
}

async fn answer(session: &mut ServerSession, reason: Reason) -> pingora_core::Result<()> {
    let text = Bytes::from(format!("{}\n", reason.message()));
    let mut head = ResponseHeader::build(reason.status().unwrap_or(400), Some(4))?;
    head.insert_header(header::CONTENT_TYPE, "text/plain; charset=utf-8")?;
    head.insert_header(header::CONTENT_LENGTH, text.len())?;
    head.insert_header(header::CACHE_CONTROL, "no-store")?;
    if reason == Reason::MethodNotAllowed {
        head.insert_header(header::ALLOW, ALLOW)?;
    }
    session.write_response_header(Box::new(head)).await?;
    session.write_response_body(text, true).await
}
