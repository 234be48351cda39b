//! A simulated WebHTMLService: the CgiTest page, a handler page that takes its time, and a page with relative links.
//!
//! Everything else under `/WebHTMLService/` is 404, as is everything outside it. (Facts: Interaction Web Tools Technical
//! Reference, "Troubleshooting the Search page".)
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use loadtest::webhtml::WebHtml;
//! let service = WebHtml::start().await?;
//! println!("{}/WebHTMLService/doHTMLRequest?event=CgiTest", service.base_url());
//! service.set_handler_time(std::time::Duration::from_secs(20)); // ?event=SlowReport
//! # Ok(())
//! # }
//! ```

use std::fmt::Write;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::wire::{Exchange, Reply, Request, Server, ServerOptions, Service};

/// A running service. Dropping it ends it.
#[derive(Debug)]
pub struct WebHtml {
    wire: Server,
    handlers: Arc<Handlers>,
}

#[derive(Debug)]
struct Handlers {
    time: watch::Sender<Duration>,
}

impl WebHtml {
    /// The service over plain HTTP on loopback.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start() -> io::Result<Self> {
        let options = ServerOptions {
            name: "WebHTMLService".to_owned(),
            ..ServerOptions::default()
        };
        Self::start_with(options).await
    }

    /// The service set up in a certain way, with TLS for instance.
    ///
    /// # Errors
    /// The address cannot be bound, or the TLS identity is not usable.
    pub async fn start_with(options: ServerOptions) -> io::Result<Self> {
        let handlers = Arc::new(Handlers {
            time: watch::Sender::new(Duration::from_secs(5)),
        });
        let wire = Server::start(options, Arc::clone(&handlers)).await?;
        Ok(Self { wire, handlers })
    }

    /// The layer below: address, records, faults, connections.
    pub fn wire(&self) -> &Server {
        &self.wire
    }

    /// `http://address:port`.
    pub fn base_url(&self) -> String {
        self.wire.base_url()
    }

    /// How long the slow handler takes; 5 s at first. Requests that wait already follow the new value, counted from now.
    pub fn set_handler_time(&self, time: Duration) {
        self.handlers.time.send_replace(time);
    }
}

impl Service for Handlers {
    async fn answer(&self, exchange: &mut Exchange<'_>) -> io::Result<()> {
        let body = exchange.body().await?;
        let request = Arc::clone(exchange.request());
        let is_handler = request
            .path()
            .eq_ignore_ascii_case("/WebHTMLService/doHTMLRequest");
        let event = request.parameter("event").filter(|_| is_handler);
        let reply = match event.as_deref() {
            Some("CgiTest") => {
                let peer = exchange.connected().peer.ip().to_string();
                let tls = exchange.connected().tls;
                let text = cgi_test(&request, &peer, tls, body.len());
                Reply::new(200)
                    .header("Content-Type", "text/plain")
                    .body(text)
            }
            Some("SlowReport") => {
                self.work().await;
                html("<p>The report is ready.</p>")
            }
            Some("System_WebSearch") => html(SEARCH_RESULTS),
            _ => Reply::new(404)
                .header("Content-Type", "text/html")
                .body("<html><body>No handler is registered for this event.</body></html>"),
        };
        exchange.reply(reply).await
    }
}

impl Handlers {
    async fn work(&self) {
        let mut time = self.time.subscribe();
        loop {
            let wait = *time.borrow_and_update();
            tokio::select! {
                () = tokio::time::sleep(wait) => return,
                changed = time.changed() => if changed.is_err() { return },
            }
        }
    }
}

/// Links of a handler's page count from the place of the page, which is why they break when a gateway moves it.
const SEARCH_RESULTS: &str = r#"<h1>Interact Search Results</h1>
<p><img src="../img/available.gif" alt="Available"> Alan Adams
<a href="../chat.html?target=AlanA">Chat!</a>
<a href="doHTMLRequest?event=System_WebSearch&amp;name=a">Refresh Results</a></p>"#;

fn html(content: &str) -> Reply {
    Reply::new(200)
        .header("Content-Type", "text/html")
        .body(format!("<html><body>{content}</body></html>"))
}

/// What the server saw of the request, one `Key:value` a line.
fn cgi_test(request: &Request, peer: &str, tls: bool, body_size: usize) -> String {
    let host = request.first("host").unwrap_or_default();
    let default_port = if tls { "8019" } else { "8018" };
    // The last colon divides, unless it belongs to an IPv6 literal.
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host.as_str(), default_port),
    };
    let arguments: Vec<&str> = request.query().split('&').skip(1).collect();
    let argument = |at: usize| arguments.get(at).copied().unwrap_or_default();
    let method = &request.method;
    let length = if method == "GET" {
        String::new()
    } else {
        body_size.to_string()
    };
    let lines = [
        ("Gateway Interface", ""),
        ("Request Method", method),
        ("Script Name", "doHTMLRequest"),
        ("Query String", request.query()),
        ("Server Software", ""),
        ("Server Name", name),
        (
            "Server Protocol",
            if request.minor_version == 0 {
                "HTTP/1.0"
            } else {
                "HTTP/1.1"
            },
        ),
        ("Server Port", port),
        (
            "HTTP User agent",
            &request.first("user-agent").unwrap_or_default(),
        ),
        ("HTTP Accept", &request.first("accept").unwrap_or_default()),
        ("Path Info", ""),
        ("Path Translated", ""),
        ("Remote Host", peer),
        ("Remote Address", peer),
        ("Remote User", ""),
        ("Remote Identifier", ""),
        ("Authentication Type", ""),
        (
            "Content Type",
            &request.first("content-type").unwrap_or_default(),
        ),
        ("Content Length", &length),
        ("Arg 1", argument(0)),
        ("Arg 2", argument(1)),
        ("Arg 3", argument(2)),
    ];
    let mut text = String::new();
    for (key, value) in lines {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{key}:{value}");
    }
    let _ = write!(text, "Command Line parameters\n\n{}\n", request.query());
    text
}
