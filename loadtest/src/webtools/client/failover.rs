//! Fail-over: polling stops, the server in use is asked for its configuration at once, then both in turn, and the first
//! that can reconnect chats and callbacks is reconnected to.
//!
//! ```no_run
//! # async fn example(page: loadtest::webtools::client::Page, pair: loadtest::webtools::Pair) {
//! use loadtest::webtools::{Death, client::Phase};
//! pair.switch_over(Death::Reset).await;
//! let deadline = std::time::Duration::from_secs(5);
//! page.wait_for("B in use", deadline, |view| view.fragment == 1 && view.phase == Phase::Chatting).await.unwrap();
//! # }
//! ```

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Outcome, Request};
use super::engine::{Inner, configuration};
use super::view::Phase;

/// Tries at the regular pace, before the waits become random.
const REGULAR_TRIES: u32 = 12;

/// Begins a fail-over, unless one is under way or there is nothing to save.
pub(super) fn begin(page: &Arc<Inner>) {
    let is_new = page.change(|view| {
        let has_chat = view.phase == Phase::Chatting;
        if view.failing_over || !(has_chat || view.callback_waits) {
            return false;
        }
        view.failovers += 1;
        view.failing_over = true;
        if has_chat {
            view.phase = Phase::FailingOver;
        }
        true
    });
    page.timer.notify_one();
    if is_new {
        let task = Arc::clone(page);
        page.spawn(async move {
            run(&task).await;
            task.change(|view| view.failing_over = false);
        });
    }
}

async fn run(page: &Arc<Inner>) {
    let mut fragment = page.view().fragment;
    for tries in 0..page.options.failover_cap {
        if tries > 0 {
            tokio::time::sleep(wait(page, tries)).await;
            fragment = page.other(fragment);
        }
        let outcome = page.call(Request::Configuration, fragment, "", None).await;
        let Outcome::Success(answer) = outcome else {
            continue;
        };
        if !can_reconnect(&answer) {
            continue;
        }
        reconnect_chat(page, fragment).await;
        super::callback::reconnect(page, fragment).await;
        return;
    }
    page.change(|view| {
        if view.phase == Phase::FailingOver {
            view.phase = Phase::Lost;
        }
    });
}

async fn reconnect_chat(page: &Arc<Inner>, fragment: usize) {
    let (phase, chat_id) = {
        let view = page.view();
        (view.phase, view.chat_id.clone())
    };
    if phase != Phase::FailingOver {
        return;
    }
    let body = json!({ "chatID": chat_id });
    match page
        .call(Request::Reconnect, fragment, "", Some(&body))
        .await
    {
        Outcome::Success(answer) => {
            // The visitor may have left meanwhile; then nothing is picked up again.
            if page.view().phase == Phase::FailingOver {
                page.joined(&answer, fragment);
                super::polling::begin(page);
            }
        }
        _ => page.change(|view| view.phase = Phase::Lost),
    }
}

/// A server is good enough only if both kinds can be reconnected there.
fn can_reconnect(answer: &Value) -> bool {
    let capabilities = configuration(answer)
        .get("capabilities")
        .unwrap_or(&Value::Null);
    let has = |kind: &str| {
        let list = capabilities.get(kind).and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|one| one == "reconnect"))
    };
    has("chat") && has("callback")
}

/// The regular wait at first, then a random one, so that pages do not all come at the same moment.
fn wait(page: &Inner, tries: u32) -> Duration {
    let timings = &page.options.timings;
    if tries <= REGULAR_TRIES {
        return timings.failover;
    }
    let (least, most) = timings.failover_later;
    let span = most.saturating_sub(least).as_nanos().max(1);
    let random = uuid::Uuid::new_v4().as_u128() % span;
    least + Duration::from_nanos(u64::try_from(random).unwrap_or(0))
}
