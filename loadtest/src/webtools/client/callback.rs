//! Callbacks on the page: asking for one, its status timer, cancelling, and picking it up again.
//!
//! ```no_run
//! # async fn example(page: loadtest::webtools::client::Page) -> Result<(), loadtest::webtools::client::Failure> {
//! page.create_callback("Wally", "Marketing", "555 0100").await?;
//! page.cancel_callback().await?;
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::{Failure, Outcome, Request};
use super::engine::Inner;
use super::page::Page;

impl Page {
    /// Asks for a callback, and for its status from then on.
    ///
    /// # Errors
    /// No configuration, or the callback was refused.
    pub async fn create_callback(
        &self,
        name: &str,
        target: &str,
        telephone: &str,
    ) -> Result<(), Failure> {
        self.inner.configure().await?;
        let body = json!({
            "supportedContentTypes": "text/plain",
            "participant": {"name": name, "credentials": null, "telephone": telephone},
            "target": target,
            "targettype": "Workgroup",
            "subject": "Please call",
            "language": "en-us",
            "clientToken": "deprecated",
        });
        let fragment = self.inner.view().fragment;
        let answer = self
            .inner
            .call(Request::CreateCallback, fragment, "", Some(&body))
            .await
            .success()?;
        adopt(&self.inner, &answer, fragment);
        let task = Arc::clone(&self.inner);
        self.inner.spawn(async move { watch_status(&task).await });
        Ok(())
    }

    /// Asks for the status once, beside the timer.
    ///
    /// # Errors
    /// There is no answer. A failure of the transport also starts a fail-over.
    pub async fn callback_status(&self) -> Result<Value, Failure> {
        ask_status(&self.inner).await.success()
    }

    /// Cancels the callback.
    ///
    /// # Errors
    /// The server did not take it.
    pub async fn cancel_callback(&self) -> Result<(), Failure> {
        let (fragment, participant) = self.inner.change(|view| {
            view.callback_waits = false;
            (view.fragment, view.callback_participant.clone())
        });
        let outcome = self
            .inner
            .call(Request::DisconnectCallback, fragment, &participant, None)
            .await;
        outcome.success().map(drop)
    }
}

/// Picks the callback up on this server, as part of a fail-over.
pub(super) async fn reconnect(page: &Arc<Inner>, fragment: usize) {
    let (waits, callback_id) = {
        let view = page.view();
        (view.callback_waits, view.callback_id.clone())
    };
    if !waits {
        return;
    }
    let body = json!({ "callbackID": callback_id });
    match page
        .call(Request::ReconnectCallback, fragment, "", Some(&body))
        .await
    {
        Outcome::Success(answer) => adopt(page, &answer, fragment),
        _ => page.change(|view| view.callback_waits = false),
    }
}

fn adopt(page: &Inner, answer: &Value, fragment: usize) {
    let callback = answer.get("callback").unwrap_or(&Value::Null);
    let text = |name: &str| {
        callback
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    page.change(|view| {
        view.fragment = fragment;
        view.callback_waits = true;
        view.callback_id = text("callbackID");
        view.callback_participant = text("participantID");
    });
}

async fn watch_status(page: &Arc<Inner>) {
    let timings = page.options.timings;
    tokio::time::sleep(timings.first_status).await;
    while page.view().callback_waits {
        ask_status(page).await;
        tokio::time::sleep(timings.status).await;
    }
}

async fn ask_status(page: &Arc<Inner>) -> Outcome {
    let (fragment, participant) = {
        let view = page.view();
        (view.fragment, view.callback_participant.clone())
    };
    let outcome = page
        .call(Request::CallbackStatus, fragment, &participant, None)
        .await;
    match &outcome {
        Outcome::Success(answer) => page.change(|view| {
            view.callback_status = answer.get("callback").cloned().unwrap_or_default();
        }),
        Outcome::Refused(reason) if reason == "error.websvc.unknownEntity.session" => {
            page.change(|view| view.callback_waits = false);
        }
        failed if failed.is_transport_failure() => super::failover::begin(page),
        _ => {}
    }
    outcome
}
