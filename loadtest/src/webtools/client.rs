//! A visitor's page of Interaction Web Tools, as scripted as the real one: it asks for the configuration, starts a chat
//! or a callback, polls by a timer, repeats what the real page repeats, and fails over between two fragments.
//!
//! ```no_run
//! # async fn example(pair: loadtest::webtools::Pair) {
//! use std::time::Duration;
//! use loadtest::webtools::client::{Page, PageOptions};
//! let page = Page::new(PageOptions::direct(&pair)).unwrap();
//! page.start_chat("Wally", "Marketing").await.unwrap();
//! let chat = pair.only_chat().unwrap();
//! pair.agent_says(&chat, "Hello");
//! page.wait_for("the greeting", Duration::from_secs(5), |view| view.heard.iter().any(|text| text == "Hello")).await.unwrap();
//! # }
//! ```

use std::net::SocketAddr;
use std::time::Duration;

mod answer;
mod callback;
mod engine;
mod failover;
mod http;
mod page;
mod polling;
mod view;

pub use answer::{Failure, Outcome, Request, retries};
pub use http::Trust;
pub use page::Page;
pub use view::{NotSeen, Phase, Sent, View};

/// The clockwork of the page. The defaults are the real page's; tests shrink them.
#[derive(Clone, Copy, Debug)]
pub struct Timings {
    /// Wait between polls until a success suggests another.
    pub poll: Duration,
    /// A request without an answer is given up after this long.
    pub abort: Duration,
    /// Wait between two tries of a fail-over.
    pub failover: Duration,
    /// After 12 tries the waits are random, between these two.
    pub failover_later: (Duration, Duration),
    /// Wait before a callback's first status request.
    pub first_status: Duration,
    /// Wait between the following ones.
    pub status: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(500),
            abort: Duration::from_millis(12_000),
            failover: Duration::from_secs(2),
            failover_later: (Duration::from_secs(3), Duration::from_secs(5)),
            first_status: Duration::from_millis(1_500),
            status: Duration::from_secs(10),
        }
    }
}

impl Timings {
    /// Everything but the abort a good deal faster.
    pub fn quick() -> Self {
        Self {
            poll: Duration::from_millis(20),
            abort: Duration::from_secs(12),
            failover: Duration::from_millis(20),
            failover_later: (Duration::from_millis(30), Duration::from_millis(50)),
            first_status: Duration::from_millis(20),
            status: Duration::from_millis(50),
        }
    }
}

/// What a page is given.
#[derive(Clone, Debug)]
pub struct PageOptions {
    /// Scheme, host and port of the site, for instance `https://chat.example.com:8443`.
    pub base: String,
    /// One or two URI fragments (`/I3Root/Server1`); one that begins with a scheme stands for itself.
    pub fragments: Vec<String>,
    /// Where to connect, whatever the name in `base` is.
    pub connect_to: Option<SocketAddr>,
    /// Which server certificates are believed.
    pub trust: Trust,
    /// Header fields added to every request.
    pub headers: Vec<(String, String)>,
    /// The clockwork.
    pub timings: Timings,
    /// The real page repeats some requests on 500 and 504 without end; this many repeats are made here.
    pub repeat_cap: u32,
    /// The real page tries to fail over without end; this many tries are made here.
    pub failover_cap: u32,
}

impl PageOptions {
    /// A page of this site, with the real page's clockwork.
    pub fn new(base: &str, fragments: &[&str]) -> Self {
        Self {
            base: base.to_owned(),
            fragments: fragments
                .iter()
                .map(|&fragment| fragment.to_owned())
                .collect(),
            connect_to: None,
            trust: Trust::Nothing,
            headers: Vec::new(),
            timings: Timings::default(),
            repeat_cap: 200,
            failover_cap: 40,
        }
    }

    /// A page that talks to both servers of a pair without a gateway, quickly. TLS is not verified.
    pub fn direct(pair: &super::Pair) -> Self {
        let (a, b) = (pair.a.base_url(), pair.b.base_url());
        Self {
            timings: Timings::quick(),
            trust: Trust::Insecure,
            ..Self::new(&a, &[&a, &b])
        }
    }

    /// The page says that its visitor is at this address, as a proxy would.
    #[must_use]
    pub fn from_visitor(mut self, address: &str) -> Self {
        self.headers
            .push(("X-Forwarded-For".to_owned(), address.to_owned()));
        self
    }
}
