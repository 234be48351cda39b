//! Messages: subscriptions, the short poll that dequeues, and the stream of server-sent events. Poll and stream share one URL.
//!
//! ```text
//! id: 7
//! event: message
//! data: {"__type":"urn:inin.com:status:userStatusMessage","isDelta":true}
//!
//! ```

use std::io;
use std::time::Instant;

use serde_json::Value;
use tokio::time::timeout;

use super::mailbox::Channel;
use super::routes::Call;
use super::server::State;
use super::session::Session;
use super::{answer, status};
use crate::wire::{Exchange, Reply};

/// Messages in one poll answer at most.
const MAX_IN_POLL: usize = 1000;

/// `GET …/messaging/messages`: a stream for whoever accepts one, else what is waiting.
pub(super) async fn messages(
    state: &State,
    exchange: &mut Exchange<'_>,
    session: &Session,
) -> io::Result<()> {
    if exchange
        .request()
        .all("accept")
        .iter()
        .any(|value| value.to_ascii_lowercase().contains("text/event-stream"))
    {
        return events(state, exchange, session).await;
    }
    let number = exchange.number();
    let taken: Vec<(u64, Value)> =
        std::iter::from_fn(|| session.mailbox().take(Channel::Poll, number))
            .take(MAX_IN_POLL)
            .collect();
    let (numbers, messages): (Vec<u64>, Vec<Value>) = taken.into_iter().unzip();
    let reply = answer::json(200, &Value::Array(messages));
    let mut settled = Settle {
        session,
        numbers,
        written: None,
    };
    let reply = answer::compress(reply, exchange.request(), state.behaviour().compress_from);
    let begun = Instant::now();
    exchange.reply(reply).await?;
    settled.written = Some(begun);
    Ok(())
}

async fn events(state: &State, exchange: &mut Exchange<'_>, session: &Session) -> io::Result<()> {
    let number = exchange.number();
    let head = Reply::new(200)
        .header("Content-Type", "text/event-stream")
        .header("Cache-Control", "no-cache");
    let mut writer = exchange.stream(head).await?;
    let mailbox = session.mailbox();
    let _open = mailbox.open_stream();
    loop {
        let woken = tokio::select! {
            woken = timeout(state.behaviour().ping_every, mailbox.ready()) => woken,
            () = writer.closed() => return Ok(()),
        };
        match woken {
            Err(_) => writer.send(b":ping\n\n").await?,
            Ok(false) => return writer.finish().await,
            Ok(true) => {
                let Some((id, message)) = mailbox.take(Channel::Events, number) else {
                    continue;
                };
                let event = format!("id: {id}\nevent: message\ndata: {message}\n\n");
                let mut settled = Settle {
                    session,
                    numbers: vec![id],
                    written: None,
                };
                let begun = Instant::now();
                writer.send(event.as_bytes()).await?;
                settled.written = Some(begun);
            }
        }
    }
}

/// Records how the writing of messages ended, cancellation by a closed connection included.
struct Settle<'s> {
    session: &'s Session,
    numbers: Vec<u64>,
    written: Option<Instant>,
}

impl Drop for Settle<'_> {
    fn drop(&mut self) {
        if !self.numbers.is_empty() {
            self.session.mailbox().settle(&self.numbers, self.written);
        }
    }
}

/// `PUT …/messaging/subscriptions/…`: 200 without a body.
pub(super) fn subscribe(call: &Call<'_>, session: &Session, to: &str) -> Reply {
    let settings = if call.body.is_empty() {
        Value::Null
    } else {
        match call.object() {
            Ok(settings) => settings,
            Err(refusal) => return refusal,
        }
    };
    if to.is_empty() {
        return answer::not_found();
    }
    if !session.subscribe(to, settings.clone()) {
        return answer::malformed("There are too many subscriptions.");
    }
    if to == status::SUBSCRIPTION {
        session.mailbox().push(
            call.state
                .statuses
                .message(false, &status::subscribed_users(&settings)),
        );
    }
    answer::empty(200)
}

/// `DELETE …/messaging/subscriptions/…`: 200 without a body, 404 when there is no such subscription.
pub(super) fn unsubscribe(session: &Session, from: &str) -> Reply {
    if session.unsubscribe(from) {
        answer::empty(200)
    } else {
        answer::not_found()
    }
}
