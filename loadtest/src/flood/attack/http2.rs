//! HTTP/2 connections that are opened once, one per address, and asked over in turn.
//!
//! ```ignore
//! let http2 = Http2::open(gateway, 10_000).await?;
//! let end = http2.ask(0).await;
//! ```

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use tokio::task::JoinSet;
use tokio_openssl::SslStream;

use super::End;
use super::knock::connect;
use super::ways::{HTTP2, address};
use crate::measured::HOST;

/// Handshakes at the same time.
const AT_ONCE: usize = 32;
const PATIENCE: Duration = Duration::from_secs(5);

/// The open connections.
pub(super) struct Http2(Vec<SendRequest<Bytes>>);

impl Http2 {
    pub(super) async fn open(to: SocketAddr, addresses: u32) -> io::Result<Http2> {
        let mut connector = SslConnector::builder(SslMethod::tls_client())?;
        // An attacker trusts anybody.
        connector.set_verify(SslVerifyMode::NONE);
        connector.set_alpn_protos(b"\x02h2")?;
        let connector = connector.build();
        let (mut opening, mut open) = (JoinSet::new(), Vec::new());
        for number in 0..u64::from(addresses.max(1)) {
            if opening.len() >= AT_ONCE
                && let Some(opened) = opening.join_next().await
            {
                open.push(opened??);
            }
            let connector = connector.clone();
            opening.spawn(async move { begin(&connector, to, number).await });
        }
        while let Some(opened) = opening.join_next().await {
            open.push(opened??);
        }
        Ok(Http2(open))
    }

    /// One request over the connection whose turn it is.
    pub(super) async fn ask(&self, number: u64) -> End {
        // As many as were asked for, at least one.
        let turn = number as usize % self.0.len();
        let Some(requests) = self.0.get(turn) else {
            return End::Failed;
        };
        let asked = tokio::time::timeout(PATIENCE, ask(requests.clone()));
        match asked.await {
            Ok(Ok(200)) => End::Served,
            Ok(Ok(_)) => End::Refused,
            Ok(Err(_)) => End::Closed,
            Err(_) => End::Failed,
        }
    }
}

async fn ask(requests: SendRequest<Bytes>) -> Result<u16, h2::Error> {
    let request = http::Request::builder()
        .uri(format!("https://{HOST}/narrow/x"))
        .body(());
    let Ok(request) = request else {
        return Ok(0);
    };
    let (answer, _) = requests.ready().await?.send_request(request, true)?;
    Ok(answer.await?.status().as_u16())
}

/// A connection with its first request, the one that the route's limit lets through.
async fn begin(
    connector: &SslConnector,
    to: SocketAddr,
    number: u64,
) -> io::Result<SendRequest<Bytes>> {
    let tcp = connect(to, address(HTTP2, number)).await?;
    let ssl = connector.configure()?.into_ssl(HOST)?;
    let mut tls = SslStream::new(ssl, tcp)?;
    Pin::new(&mut tls)
        .connect()
        .await
        .map_err(io::Error::other)?;
    let (requests, connection) = h2::client::handshake(tls).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    ask(requests.clone()).await.map_err(io::Error::other)?;
    Ok(requests)
}
