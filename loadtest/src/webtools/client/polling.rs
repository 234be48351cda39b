//! The poll timer. It fires whether or not the polls before have an answer, so slow polls overlap.
//!
//! Polling begins with a chat and stops with it:
//!
//! ```no_run
//! # async fn example(page: loadtest::webtools::client::Page) {
//! page.start_chat("Wally", "Marketing").await.unwrap();
//! assert!(page.view().poll_wait.as_millis() >= 20);
//! # }
//! ```

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::answer::{Outcome, Request};
use super::engine::Inner;
use super::view::Phase;

/// Starts the timer; the first poll is sent at once.
pub(super) fn begin(page: &Arc<Inner>) {
    let task = Arc::clone(page);
    page.spawn(async move {
        let participant = task.view().participant.clone();
        while task.view().is_polling(&participant) {
            let poll = Arc::clone(&task);
            let own = participant.clone();
            task.spawn(async move { once(&poll, &own).await });
            pause(&task, &participant).await;
        }
    });
}

/// Waits for the next tick. The wait counts from the poll, and follows the newest suggestion meanwhile.
async fn pause(page: &Inner, participant: &str) {
    let fired = Instant::now();
    loop {
        let tick = fired + page.view().poll_wait;
        tokio::select! {
            () = tokio::time::sleep_until(tick) => return,
            () = page.timer.notified() => {
                if !page.view().is_polling(participant) {
                    return;
                }
            }
        }
    }
}

async fn once(page: &Arc<Inner>, participant: &str) {
    let fragment = page.change(|view| {
        view.polls_in_flight += 1;
        view.fragment
    });
    let outcome = page.call(Request::Poll, fragment, participant, None).await;
    // A late answer under an id that is no longer ours changes nothing.
    let is_current = page.change(|view| {
        view.polls_in_flight = view.polls_in_flight.saturating_sub(1);
        view.is_polling(participant)
    });
    if !is_current {
        return;
    }
    match outcome {
        Outcome::Success(answer) => listen(page, answer.get("chat").unwrap_or(&Value::Null)),
        Outcome::Refused(reason) if reason == "error.websvc.unknownEntity.session" => {
            page.change(|view| view.phase = Phase::Ended);
            page.timer.notify_one();
        }
        Outcome::Refused(_) | Outcome::NotJson => {}
        Outcome::Status(_) | Outcome::Broken | Outcome::TimedOut => super::failover::begin(page),
    }
}

/// Takes in a success: events, the wait it suggests, and a configuration that has changed.
fn listen(page: &Arc<Inner>, chat: &Value) {
    let is_new = page.change(|view| {
        view.take_events(chat);
        if let Some(wait) = chat.get("pollWaitSuggestion").and_then(Value::as_u64) {
            view.poll_wait = Duration::from_millis(wait);
        }
        let version = chat
            .get("cfgVer")
            .and_then(Value::as_u64)
            .unwrap_or(view.cfg_ver);
        std::mem::replace(&mut view.cfg_ver, version) != version
    });
    page.timer.notify_one();
    if is_new {
        let task = Arc::clone(page);
        page.spawn(async move {
            // Without an answer the page goes on with what it knows.
            let _ = task.configure().await;
        });
    }
}

impl super::view::View {
    /// Whether this participant's polls are wanted.
    fn is_polling(&self, participant: &str) -> bool {
        self.phase == Phase::Chatting && self.participant == participant
    }
}
