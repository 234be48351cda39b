//! Event streams whose pass is taken away.

use std::convert::Infallible;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::to_bytes;
use tokio::sync::mpsc;
use tokio::sync::mpsc::Receiver;

use super::*;
use crate::config;
use crate::diagnostic::Source;
use crate::limits::Clock;
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;

/// Events as they are sent.
struct Events(Receiver<&'static str>);

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let event = ready!(self.0.poll_recv(cx));
        Poll::Ready(event.map(|event| Ok(Frame::data(Bytes::from_static(event.as_bytes())))))
    }
}

fn compiled(runtime: &Runtime, folder: &std::path::Path, token: &str) -> Snapshot {
    std::fs::write(folder.join("token"), token).unwrap();
    let text = "admin: { token: { file: token } }\nlisteners: [{ listen: 127.0.0.1:0 }]\nhosts: { a.example.com: { files: . } }\n";
    let config = config::parse(&Source::new("p.yaml", folder, text)).unwrap();
    Snapshot::compile(&config, runtime).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

fn answer(media: &'static str) -> (mpsc::Sender<&'static str>, Response) {
    let (send, receive) = mpsc::channel(8);
    let mut answer = Response::new(Body::new(Events(receive)));
    let media = HeaderValue::from_static(media);
    answer.headers_mut().insert(header::CONTENT_TYPE, media);
    (send, answer)
}

/// Waits until everything that was sent has been read.
async fn taken(send: &mpsc::Sender<&'static str>) {
    while send.capacity() < send.max_capacity() && !send.is_closed() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_event_stream_ends_before_the_first_event_that_its_pass_no_longer_allows() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Arc::new(Runtime::new());
    let snapshot = compiled(&runtime, folder.path(), "first-token-of-them");
    let token = snapshot.admin.token.unwrap();
    let snapshot = Arc::new(ArcSwap::from_pointee(snapshot));
    let gateway = Gateway::new(snapshot, runtime.clone());
    let sessions = &runtime.operators.sessions;
    let mut streams = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let id = sessions.begin(&token, Clock::now()).unwrap();
        let key = sessions.find(&id, &token, Clock::now()).unwrap();
        let (send, answer) = answer("text/event-stream; charset=utf-8");
        streams.push((send, watched(answer, Pass::Session(key), &gateway)));
        ids.push(id);
    }
    let (send, other) = answer("application/json");
    streams.push((send, watched(other, Pass::Token(token), &gateway)));
    let (send, by_token) = answer("text/event-stream");
    streams.push((send, watched(by_token, Pass::Token(token), &gateway)));
    let mut reading = Vec::new();
    for (send, answer) in streams {
        send.send("one ").await.unwrap();
        reading.push((send, tokio::spawn(to_bytes(answer.into_body(), 100))));
    }
    for (send, _) in &reading {
        taken(send).await;
    }
    // The first signs out; the token of all others becomes another one.
    sessions.end(&ids[0]);
    for (send, _) in &reading {
        send.send("two ").await.unwrap();
        taken(send).await;
    }
    let next = compiled(&runtime, folder.path(), "second-token-of-them");
    gateway.snapshot.store(Arc::new(next));
    let mut read = Vec::new();
    for (send, body) in reading {
        let _ = send.send("three").await;
        drop(send);
        let all = body.await.unwrap().unwrap();
        read.push(String::from_utf8_lossy(&all).into_owned());
    }
    assert_eq!(read, ["one ", "one two ", "one two three", "one two "]);
}
