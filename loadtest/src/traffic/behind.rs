//! The simulated servers of the traffic, and what the gateway's file must say of them.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use loadtest::traffic::{Behind, HOST};
//! use loadtest::wire::Authority;
//! let behind = Behind::start(&Authority::new("authority")?).await?;
//! let file = format!("servers:\n{}hosts:\n  {HOST}:\n    routes:\n{}", behind.servers(""), behind.routes());
//! # drop(file); Ok(())
//! # }
//! ```

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::icws::{IcwsOptions, IcwsServer};
use crate::rude::{Rude, Upgrade, websocket_echo};
use crate::webtools::Pair;
use crate::wire::{Authority, Exchange, Fault, Reply, Server, ServerOptions, ServerTls, Service};

/// The name in the certificate of the server with TLS.
const SAFE: &str = "safe.example.com";
/// How long a poll waits for its answer, so that many are under way at any time.
const POLL: Duration = Duration::from_millis(150);
/// Between two events.
const EVENT: Duration = Duration::from_millis(200);
/// Web Tools pages ask so often, in milliseconds.
const CHAT: &str = "500";

/// A web server plain and with TLS, a WebSocket echo, a Session Manager and a Web Tools server.
pub struct Behind {
    web: Server,
    safe: Server,
    echo: Rude,
    pub(super) ic: IcwsServer,
    pub(super) chat: Pair,
}

impl Behind {
    /// Starts the servers; `authority` vouches for the one with TLS.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(authority: &Authority) -> io::Result<Behind> {
        let web = Server::start(ServerOptions::default(), Web).await?;
        let options = ServerOptions {
            tls: Some(ServerTls::new(authority.issue(&[SAFE])?)),
            ..ServerOptions::default()
        };
        let safe = Server::start(options, Web).await?;
        let ic = IcwsServer::start(IcwsOptions::named("ic")).await?;
        let polled = Fault::Delay(POLL);
        ic.wire().faults().set_for("/messaging/messages", polled);
        let chat = Pair::start().await?;
        chat.a.wire().faults().set_for("/chat/poll", polled);
        // Every page comes from one address: the server's own limits are no part of this.
        for (name, value) in [
            ("MaxInteractionsAllowedPerIP", "100000"),
            ("MaxInteractionsAllowedPerUnitTime", "100000"),
            ("MaxChatsAllowedPerUnitTime", "100000"),
            ("MaxPollFrequency", CHAT),
        ] {
            chat.set(name, value)
                .map_err(|error| io::Error::other(format!("{name}: {error:?}")))?;
        }
        Ok(Behind {
            web,
            safe,
            echo: websocket_echo(Upgrade::Plain).await?,
            ic,
            chat,
        })
    }

    /// Lines of the section `servers`, each server with these further keys. `authority.pem` vouches for the one with TLS.
    pub fn servers(&self, more: &str) -> String {
        let more = if more.is_empty() {
            String::new()
        } else {
            format!(", {more}")
        };
        let server = |name: &str, kind: &str, url: String, own: &str| {
            format!("  {name}: {{ kind: {kind}, url: '{url}'{own}{more} }}\n")
        };
        let safe = format!(", ca: authority.pem, server_name: {SAFE}");
        [
            server("web", "http", self.web.base_url(), ""),
            server("safe", "http", self.safe.base_url(), &safe),
            server(
                "echo",
                "http",
                format!("http://{}", self.echo.address()),
                ", websocket: true",
            ),
            server("ic", "icws", self.ic.wire().base_url(), ""),
            server("chat", "webtools", self.chat.a.base_url(), ""),
        ]
        .concat()
    }

    /// Lines of the host's `routes`.
    pub fn routes(&self) -> String {
        [
            ("/web/", "web"),
            ("/safe/", "safe"),
            ("/ws/", "echo"),
            ("/us/ic/", "ic"),
            ("/I3Root/Server1/", "chat"),
        ]
        .map(|(path, server)| format!("      - {{ path: {path}, server: {server} }}\n"))
        .concat()
    }
}

/// `GET …/number/N` tells N, `/slow/N` only after a while, `POST …/echo` gives the body back, `/events` sends numbers without end.
struct Web;

impl Service for Web {
    async fn answer(&self, exchange: &mut Exchange<'_>) -> io::Result<()> {
        let target = Arc::clone(exchange.request()).target.clone();
        let body = exchange.body().await?;
        let (_, number) = target.rsplit_once('/').unwrap_or_default();
        let text = Reply::new(200).header("Content-Type", "text/plain");
        if target.ends_with("/events") {
            return events(exchange).await;
        }
        if target.contains("/slow/") {
            tokio::time::sleep(POLL).await;
        }
        match target.ends_with("/echo") {
            true => exchange.reply(text.body(body)).await,
            false => exchange.reply(text.body(number.to_owned())).await,
        }
    }
}

async fn events(exchange: &mut Exchange<'_>) -> io::Result<()> {
    let head = Reply::new(200).header("Content-Type", "text/event-stream");
    let mut writer = exchange.stream(head).await?;
    for id in 1_u64.. {
        writer
            .send(format!("id: {id}\ndata: {id}\n\n").as_bytes())
            .await?;
        tokio::select! {
            () = writer.closed() => break,
            () = tokio::time::sleep(EVENT) => {}
        }
    }
    Ok(())
}
