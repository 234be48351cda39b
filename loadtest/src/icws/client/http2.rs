//! Requests over HTTP/2, all of one authority on one connection, as browsers do it.
//!
//! ```text
//! :method: GET
//! :path: /us/icserver1/icws/1234/messaging/messages
//! cookie: icws_1234=dba2f460-58ce-47ba-85b3-1bcf4e1e526e
//! cookie: other=1
//! ```

use std::collections::HashMap;
use std::io;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use tokio::task::JoinHandle;

use super::ClientError;
use super::response::{Body, Response};
use super::transport::{ClientOptions, Url, connect};

const ALPN: &[u8] = b"\x02h2";
/// Receive window of each stream and of the connection, in bytes.
const WINDOW: u32 = 1024 * 1024;

/// The connections by authority.
#[derive(Default)]
pub(super) struct Http2(HashMap<String, Open>);

struct Open {
    requests: SendRequest<Bytes>,
    driver: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Http2 {
    pub(super) async fn send(
        &mut self,
        options: &ClientOptions,
        method: &str,
        url: &Url,
        headers: &[(&str, &str)],
        cookies: &[String],
        body: Vec<u8>,
    ) -> Result<Response, ClientError> {
        let mut request = http::Request::builder().method(method).uri(url.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // One field per cookie, which HTTP/2 allows and browsers do (RFC 9113, 8.2.3); the receiver has to join them.
        for cookie in cookies {
            request = request.header("cookie", cookie);
        }
        let with_body = !body.is_empty() || matches!(method, "POST" | "PUT");
        if with_body {
            request = request.header("content-length", body.len());
        }
        let request = request
            .body(())
            .map_err(|error| ClientError::Protocol(error.to_string()))?;
        let mut requests = self.connection(options, url).await?;
        let (answer, mut sending) = requests
            .send_request(request, !with_body)
            .map_err(io_error)?;
        if with_body {
            send_body(&mut sending, body.into()).await?;
        }
        let (head, body) = answer.await.map_err(io_error)?.into_parts();
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect();
        Ok(Response::new(
            head.status.as_u16(),
            headers,
            Body::Http2(Http2Body(body)),
        ))
    }

    async fn connection(
        &mut self,
        options: &ClientOptions,
        url: &Url,
    ) -> Result<SendRequest<Bytes>, ClientError> {
        if let Some(open) = self
            .0
            .get(&url.authority)
            .filter(|open| !open.driver.is_finished())
            && let Ok(ready) = open.requests.clone().ready().await
        {
            return Ok(ready);
        }
        if url.scheme != "https" {
            return Err(ClientError::Protocol(
                "HTTP/2 is spoken over TLS only".to_owned(),
            ));
        }
        let stream = connect(options, url, ALPN).await?;
        let mut builder = h2::client::Builder::new();
        builder
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .enable_push(false);
        let (requests, connection) = builder.handshake(stream).await.map_err(io_error)?;
        let driver = tokio::spawn(async move {
            // What went wrong is reported by the requests themselves.
            let _ = connection.await;
        });
        self.0.insert(
            url.authority.clone(),
            Open {
                requests: requests.clone(),
                driver,
            },
        );
        requests.ready().await.map_err(io_error)
    }
}

async fn send_body(
    sending: &mut h2::SendStream<Bytes>,
    mut body: Bytes,
) -> Result<(), ClientError> {
    while !body.is_empty() {
        sending.reserve_capacity(body.len());
        let capacity = std::future::poll_fn(|cx| sending.poll_capacity(cx)).await;
        let Some(capacity) = capacity.transpose().map_err(io_error)? else {
            // The server answered without the whole body; its answer says why.
            return Ok(());
        };
        let piece = body.split_to(capacity.min(body.len()));
        sending
            .send_data(piece, body.is_empty())
            .map_err(io_error)?;
        if body.is_empty() {
            return Ok(());
        }
    }
    sending.send_data(Bytes::new(), true).map_err(io_error)
}

fn io_error(error: h2::Error) -> ClientError {
    ClientError::Io(io::Error::other(error))
}

/// A body on its way over HTTP/2; dropped early, the stream is reset.
pub struct Http2Body(RecvStream);

impl Http2Body {
    pub(super) async fn next_piece(&mut self) -> Result<Option<Bytes>, ClientError> {
        match self.0.data().await {
            None => Ok(None),
            Some(Ok(piece)) => {
                self.0
                    .flow_control()
                    .release_capacity(piece.len())
                    .map_err(io_error)?;
                Ok(Some(piece))
            }
            // RFC 9113, 8.1: a complete answer may be followed by a reset without an error.
            Some(Err(error))
                if error.reason() == Some(Reason::NO_ERROR) && self.0.is_end_stream() =>
            {
                Ok(None)
            }
            Some(Err(error)) => Err(io_error(error)),
        }
    }
}
