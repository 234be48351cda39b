//! The life of an HTTP/1 connection: head, check, Pingora, next head.
//!
//! ```ignore
//! http1::serve(&door, stream, connection).await;
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pingora_core::apps::HttpServerApp;
use pingora_core::protocols::http::ServerSession;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::connection::Scope;
use super::framing::{Body, HeadFacts};
use super::head::{self, NoHead};
use super::stream::{ClientStream, LINGER, Window};
use super::{Connection, Shared, cut};
use crate::reason::Reason;
use crate::respond;

/// Serves requests until the connection ends.
pub(super) async fn serve<A>(
    door: &Shared<A>,
    mut stream: Box<ClientStream>,
    connection: Arc<Connection>,
) where
    A: HttpServerApp + Send + Sync + 'static,
{
    let settings = connection.listener.clone();
    let stop = door.signals.stop.subscribe();
    let mut leave = door.signals.leave.subscribe();
    let mut left = settings.keep_alive_requests.max(1);
    let mut wait = settings.head.within;
    let mut carried = None;
    loop {
        let head = match head::read(&mut stream, &settings.head, wait, &mut leave).await {
            Ok(head) => head,
            Err(NoHead::Over) => return part(*stream).await,
            Err(NoHead::Idle) => {
                // The end of an idle keep-alive is everyday life; a connection that never said a word is not.
                if left == settings.keep_alive_requests.max(1) {
                    door.keeper.refused(Reason::IdleConnection, &connection);
                }
                return part(*stream).await;
            }
            Err(NoHead::Refused(reason)) => {
                door.keeper.refused(reason, &connection);
                return refuse(*stream, reason).await;
            }
        };
        left -= 1;
        stream.open(head.len, body_window(&head.facts));
        let mut session = ServerSession::new_http1(stream);
        session.set_keepalive(Some(settings.keep_alive_idle.as_secs().max(1)));
        let last = door.signals.last.load(Ordering::Relaxed);
        let reuses = if last { 0 } else { left };
        session.set_keepalive_reuses_remaining(Some(reuses));
        session.set_read_timeout(Some(settings.body_idle));
        // Not Pingora's clock, which runs over a whole piece however much of it was taken: the socket has a fairer one.
        session.set_write_timeout(None);
        session.set_total_drain_timeout(Some(settings.body_idle));
        session.set_connection_user_context(carried.take());
        let named = cut::named(&connection);
        let scope = Scope {
            connection: connection.clone(),
            signals: door.signals.clone(),
            body: None,
            finish: None,
            named: named.clone(),
        };
        let request = door.app.process_new_http(session, &stop);
        let reused = tokio::select! {
            biased;
            reused = scope.around(request) => reused,
            () = cut::of_request(&*door.keeper, named) => {
                return door.keeper.refused(Reason::Banned, &connection);
            }
        };
        let Some(reused) = reused else {
            return;
        };
        let (io, persistent) = reused.consume();
        carried = persistent.and_then(|mut settings| settings.take_user_context());
        let Ok(back) = io.into_any().downcast::<ClientStream>() else {
            return;
        };
        stream = back;
        // SECURITY: what follows is a new request only if both we and Pingora are at the end of the last one.
        if left == 0 || !stream.at_boundary() {
            return;
        }
        wait = settings.keep_alive_idle;
    }
}

/// What behind the head belongs to the request.
fn body_window(facts: &HeadFacts) -> Window {
    match facts.body {
        _ if facts.upgrade => Window::Everything,
        Body::None => Window::Bytes(0),
        Body::Length(n) => Window::Bytes(n),
        Body::Chunked => Window::Chunks,
    }
}

/// Closes in good form: TLS clients are told that this is the end (RFC 8446 section 6.1).
async fn part(mut stream: ClientStream) {
    let _ = timeout(LINGER.0, AsyncWriteExt::shutdown(&mut stream)).await;
}

/// Says why and closes so that the client can read it.
async fn refuse(mut stream: ClientStream, reason: Reason) {
    let answer = respond::bare(reason);
    let (time, most) = LINGER;
    let _ = timeout(time, async {
        stream.write_all(&answer).await?;
        stream.flush().await?;
        AsyncWriteExt::shutdown(&mut stream).await?;
        stream.discard(most).await
    })
    .await;
}
