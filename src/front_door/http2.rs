//! The life of an HTTP/2 connection. Pingora drives it; this sets the limits, judges each request's header list, watches request
//! bodies, and says GOAWAY when the connection has had its requests or we are closing.
//!
//! ```ignore
//! http2::serve(&door, stream, connection).await;
//! ```

mod streams;
mod uploads;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize};

use pingora_core::apps::{HttpServerApp, HttpServerOptions, ServerApp};
use tokio::sync::{Notify, watch};

use super::stream::ClientStream;
use super::{Connection, ListenerSettings, Shared};
use streams::Streams;
pub(super) use uploads::Uploads;

/// Request bytes a stream may send ahead of being read.
const STREAM_WINDOW: u32 = 128 * 1024;
/// The same for a whole connection: SECURITY: this times the connections is what clients can make us hold.
const CONNECTION_WINDOW: u32 = 512 * 1024;
/// Response bytes held for a stream whose client is slow.
const SEND_BUFFER: usize = 128 * 1024;
/// Stream errors of our own making that a client may provoke.
const LOCAL_RESETS: usize = 256;

/// Requests that an honest client may have sent before it reads GOAWAY, if it may have few at the same time.
const LATE: u32 = 200;

/// Serves streams until the connection ends.
pub(super) async fn serve<A>(
    door: &Arc<Shared<A>>,
    stream: Box<ClientStream>,
    connection: Arc<Connection>,
) where
    A: HttpServerApp + Send + Sync + 'static,
{
    let uploads = stream.uploads();
    let settings = connection.listener.clone();
    let mut options = HttpServerOptions::default();
    options.h2_idle_timeout = Some(settings.http2.idle);
    let mut stop = door.signals.stop.subscribe();
    // One of our own, since a connection that has had its requests finishes alone.
    let (finish, mut finishing) = watch::channel(false);
    let streams = Arc::new(Streams {
        door: door.clone(),
        left: AtomicU32::new(settings.keep_alive_requests.max(1)),
        open: AtomicUsize::new(0),
        uploads,
        connection,
        options,
        finish,
        late: AtomicU32::new(LATE.max(2 * settings.http2.streams)),
        enough: Notify::new(),
    });
    let app_watch = finishing.clone();
    let serve = ServerApp::process_new(&streams, stream, &app_watch);
    tokio::pin!(serve);
    tokio::select! {
        _ = &mut serve => return,
        _ = stop.wait_for(|stop| *stop) => { let _ = streams.finish.send(true); }
        _ = finishing.wait_for(|finish| *finish) => {}
    }
    // Pingora waits without end for a client that ignores GOAWAY: a connection at rest gets no more than its idle time.
    loop {
        tokio::select! {
            _ = &mut serve => return,
            () = streams.enough.notified() => return,
            () = tokio::time::sleep(settings.http2.idle) => {
                if streams.none_open() {
                    return;
                }
            }
        }
    }
}

fn h2_options(settings: &ListenerSettings) -> pingora_core::protocols::http::v2::server::H2Options {
    let mut options = pingora_core::protocols::http::v2::server::default_h2_options();
    options
        .max_concurrent_streams(settings.http2.streams)
        .max_header_list_size(u32::try_from(settings.head.size).unwrap_or(u32::MAX))
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(settings.http2.pending_resets)
        .max_concurrent_reset_streams(settings.http2.pending_resets)
        .max_local_error_reset_streams(Some(LOCAL_RESETS));
    options
}
