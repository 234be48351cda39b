//! A gateway with a route of each kind before a server that remembers every byte; a log that can be searched; panics that are noticed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use loadtest::edge::Edge;
use loadtest::rude::client::{Dial, Got};
use loadtest::wire::{Record, Reply, Respond, Server, ServerOptions};
use portcullis::front_door::framing;

/// Longer than anything that is waited for; what has not come then does not come.
pub const SOON: Duration = Duration::from_secs(10);

/// A gateway and the server behind it.
pub struct Stage {
    pub server: Server,
    pub edge: Edge,
}

/// With routes to a server that answers everything with `reply`.
pub async fn stage(reply: impl Fn(&Record) -> Reply + Send + Sync + 'static) -> Stage {
    stage_with("", reply).await
}

/// The same with more in the file.
pub async fn stage_with(
    more: &str,
    reply: impl Fn(&Record) -> Reply + Send + Sync + 'static,
) -> Stage {
    let options = ServerOptions::default();
    let server = Server::start(options, Respond(reply)).await.unwrap();
    let edge = edge(&server.address().to_string(), more).await;
    Stage { server, edge }
}

/// A gateway whose routes all lead to this server.
pub async fn edge(server: &str, more: &str) -> Edge {
    watch();
    let yaml = format!(
        "{more}
servers:
  icserver1: {{ kind: icws, url: 'http://{server}' }}
  icserver2: {{ kind: icws, url: 'http://{server}' }}
  chat1: {{ kind: webtools, url: 'http://{server}' }}
  search1: {{ kind: webhtml, url: 'http://{server}' }}
  gadgets: {{ kind: http, url: 'http://{server}/base/' }}
  narrow: {{ kind: http, url: 'http://{server}/', expose: [/open/, /one.css] }}
  talk: {{ kind: http, url: 'http://{server}/', websocket: true }}
hosts:
  proxy.example.com:
    routes:
      - {{ path: /us/icserver1/, server: icserver1 }}
      - {{ path: '/apps/client/api/{{server}}/', servers: [icserver1, icserver2] }}
      - {{ path: '/**/api/{{server}}/', servers: [icserver1, icserver2] }}
      - {{ path: /I3Root/Server1/, server: chat1 }}
      - {{ path: /I3Root/WebServices/Server1/, server: search1 }}
      - {{ path: /I3Root/, files: web }}
      - {{ path: /gadgets/, server: gadgets, request_body: 64KiB }}
      - {{ path: /narrow/, server: narrow }}
      - {{ path: /talk/, server: talk }}
  other.example.com: {{ server: gadgets }}
"
    );
    Edge::with(
        &yaml,
        &["proxy.example.com", "other.example.com"],
        |folder| {
            std::fs::create_dir_all(folder.join("web/client"))?;
            std::fs::write(folder.join("web/client/index.html"), "<h1>hello</h1>")?;
            std::fs::write(folder.join("secret.txt"), "out of reach")
        },
    )
    .await
    .unwrap()
}

impl Stage {
    /// Sends these bytes in the clear and reads until the end or for `time`.
    pub async fn send(&self, bytes: impl Into<Vec<u8>>, time: Duration) -> Got {
        let dial = Dial::plain(self.edge.plain());
        dial.send(bytes.into(), time).await.unwrap()
    }

    /// A GET of this target with these header lines, each with its line end.
    pub async fn get(&self, target: &str, headers: &str) -> Got {
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: proxy.example.com\r\n{headers}Connection: close\r\n\r\n"
        );
        self.send(head, SOON).await
    }

    /// What reached the server so far, each of it one well-formed request.
    pub fn seen(&self) -> Vec<Record> {
        let all = self.server.recorder().all();
        for record in &all {
            let raw = &record.request.raw_head;
            let judged = framing::check(raw);
            assert!(judged.is_ok(), "{judged:?}: {}", raw.escape_ascii());
        }
        all
    }

    /// Waits until no connection to the server is left besides pooled ones, which end by themselves.
    pub async fn nothing_leaks(&self) {
        let empty = async {
            while self.server.open() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let left = tokio::time::timeout(SOON, empty).await;
        assert!(left.is_ok(), "{} connections left", self.server.open());
        no_panics();
    }
}

/// What the server answers where the answer does not matter.
pub fn ok(_: &Record) -> Reply {
    Reply::new(200).body("ok")
}

/// The values of a header in the first answer.
pub fn header(got: &Got, name: &str) -> Vec<String> {
    let head = got.head();
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.trim().to_owned())
        .collect()
}

static PANICS: AtomicUsize = AtomicUsize::new(0);
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Remember;

impl log::Log for Remember {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Info
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = format!("{} {}", record.target(), record.args());
            LINES
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
        }
    }

    fn flush(&self) {}
}

/// From here on every line of the log is kept, and every panic outside of the tests themselves counted.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = log::set_logger(&Remember);
        log::set_max_level(log::LevelFilter::Info);
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let ours = info
                .location()
                .is_some_and(|at| at.file().starts_with("tests/"));
            if !ours {
                PANICS.fetch_add(1, Ordering::SeqCst);
            }
            usual(info);
        }));
    });
}

/// No task of the gateway has panicked so far.
pub fn no_panics() {
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "see the output above");
}

/// The lines of the log with this text.
pub fn logged(text: &str) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines
        .iter()
        .filter(|line| line.contains(text))
        .cloned()
        .collect()
}
