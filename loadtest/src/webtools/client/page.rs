//! The page itself: starting, talking, leaving, asking; the timers are in its neighbours.
//!
//! ```no_run
//! # async fn example(page: loadtest::webtools::client::Page) -> Result<(), loadtest::webtools::client::Failure> {
//! page.start_chat("Wally", "Marketing").await?;
//! page.say("Hello?").await?;
//! page.exit().await?;
//! # Ok(())
//! # }
//! ```

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::PageOptions;
use super::answer::{Failure, Outcome, Request};
use super::engine::Inner;
use super::view::{NotSeen, Phase, View};

/// A visitor's page. Dropping it closes it without a word, as a browser often does.
pub struct Page {
    pub(super) inner: Arc<Inner>,
}

impl Page {
    /// A page that has not asked for anything yet.
    ///
    /// # Errors
    /// A URL or the trusted authorities cannot be read, or no fragment is given.
    pub fn new(options: PageOptions) -> io::Result<Self> {
        let inner = Inner::new(options)?;
        Ok(Self { inner })
    }

    /// What the page shows now.
    pub fn view(&self) -> View {
        self.inner.view().clone()
    }

    /// Waits until the page shows something.
    ///
    /// # Errors
    /// It did not come within `deadline`.
    pub async fn wait_for(
        &self,
        what: &str,
        deadline: Duration,
        seen: impl Fn(&View) -> bool,
    ) -> Result<View, NotSeen> {
        let mut changed = self.inner.changed.subscribe();
        let wait = async {
            loop {
                changed.borrow_and_update();
                let view = self.view();
                if seen(&view) || changed.changed().await.is_err() {
                    return view;
                }
            }
        };
        tokio::time::timeout(deadline, wait).await.map_err(|_| {
            let view = self.view();
            let last: Vec<_> = view
                .sent
                .iter()
                .rev()
                .take(8)
                .map(|s| (s.request, s.fragment, &s.outcome))
                .collect();
            NotSeen {
                what: what.to_owned(),
                page: format!("{:?}, newest requests first: {last:?}", view.phase),
            }
        })
    }

    /// Fetches the configuration (from the other fragment too if the first does not answer).
    ///
    /// # Errors
    /// No server gave one: the last outcome.
    pub async fn configure(&self) -> Result<Value, Failure> {
        self.inner.configure().await
    }

    /// Starts an anonymous chat with a workgroup, and polls from then on.
    ///
    /// # Errors
    /// No configuration, or the start failed; the real page shows one failure and does not try again.
    pub async fn start_chat(&self, name: &str, target: &str) -> Result<(), Failure> {
        self.start_chat_with(json!({
            "supportedContentTypes": "text/plain",
            "participant": {"name": name, "credentials": null},
            "target": target,
            "targetType": "Workgroup",
            "language": "en-us",
            "clientToken": "deprecated",
        }))
        .await
    }

    /// Starts a chat with this body.
    ///
    /// # Errors
    /// As [`Self::start_chat`].
    pub async fn start_chat_with(&self, body: Value) -> Result<(), Failure> {
        self.inner.configure().await?;
        let fragment = self.inner.view().fragment;
        let outcome = self
            .inner
            .call(Request::Start, fragment, "", Some(&body))
            .await;
        if matches!(outcome, Outcome::Broken | Outcome::TimedOut) {
            let inner = Arc::clone(&self.inner);
            self.inner.spawn(async move {
                // The page looks whether the server is there at all; the chat may exist although nobody polls it.
                let _ = inner.configure().await;
            });
        }
        let answer = outcome.success()?;
        self.inner.joined(&answer, fragment);
        super::polling::begin(&self.inner);
        Ok(())
    }

    /// Says something in the chat.
    ///
    /// # Errors
    /// The message was not taken.
    pub async fn say(&self, text: &str) -> Result<(), Failure> {
        let body = json!({"message": text, "contentType": "text/plain"});
        self.tell(Request::SendMessage, &body).await
    }

    /// Tells whether the visitor is typing.
    ///
    /// # Errors
    /// It was not taken.
    pub async fn typing(&self, typing: bool) -> Result<(), Failure> {
        self.tell(Request::SetTypingState, &json!({"typingIndicator": typing}))
            .await
    }

    /// Leaves the chat and stops polling.
    ///
    /// # Errors
    /// The server did not take it; the page is out all the same.
    pub async fn exit(&self) -> Result<(), Failure> {
        let (fragment, participant) = self.inner.change(|view| {
            view.phase = Phase::Ended;
            (view.fragment, view.participant.clone())
        });
        self.inner.timer.notify_one();
        let outcome = self
            .inner
            .call(Request::Exit, fragment, &participant, None)
            .await;
        outcome.success().map(drop)
    }

    /// Asks for name and photo of another participant.
    ///
    /// # Errors
    /// There is no answer. A failure of the transport also starts a fail-over.
    pub async fn party_info(&self, of: &str) -> Result<Value, Failure> {
        let (fragment, own) = self.inner.here();
        let body = json!({ "participantID": of });
        let outcome = self
            .inner
            .call(Request::PartyInfo, fragment, &own, Some(&body))
            .await;
        if outcome.is_transport_failure() {
            super::failover::begin(&self.inner);
        }
        outcome.success()
    }

    /// Asks how busy a workgroup is.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn query_queue(&self, name: &str) -> Result<Value, Failure> {
        let participant = json!({"name": "Anonymous User", "credentials": null});
        let body = json!({"queueName": name, "queueType": "Workgroup", "participant": participant});
        let fragment = self.inner.view().fragment;
        self.inner
            .call(Request::QueueQuery, fragment, "", Some(&body))
            .await
            .success()
    }

    /// Registers an account.
    ///
    /// # Errors
    /// It was not taken.
    pub async fn register(&self, name: &str, credentials: &str) -> Result<(), Failure> {
        let body = json!({"participant": {"name": name, "credentials": credentials}});
        let fragment = self.inner.view().fragment;
        let outcome = self
            .inner
            .call(Request::Register, fragment, "", Some(&body))
            .await;
        outcome.success().map(drop)
    }

    /// Sends a problem report.
    ///
    /// # Errors
    /// It was not taken.
    pub async fn report_problem(&self, report: &Value) -> Result<(), Failure> {
        let fragment = self.inner.view().fragment;
        let outcome = self
            .inner
            .call(Request::ProblemReport, fragment, "", Some(report))
            .await;
        outcome.success().map(drop)
    }

    /// Fetches a file by the path in its event, which counts below the fragment in use.
    ///
    /// # Errors
    /// Anything but 200.
    pub async fn fetch_file(&self, path: &str) -> Result<Bytes, Failure> {
        let fragment = self.inner.view().fragment;
        let (status, body) = self.inner.get(fragment, path).await.map_err(Failure)?;
        match status {
            200 => Ok(body),
            other => Err(Failure(Outcome::Status(other))),
        }
    }

    /// During a fail-over the real page sends to the other server already, under its old participant id.
    async fn tell(&self, request: Request, body: &Value) -> Result<(), Failure> {
        let (mut fragment, participant) = self.inner.here();
        if self.inner.view().failing_over {
            fragment = self.inner.other(fragment);
        }
        let answer = self
            .inner
            .call(request, fragment, &participant, Some(body))
            .await
            .success()?;
        self.inner.change(|view| {
            if let Some(chat) = answer.get("chat") {
                view.take_events(chat);
            }
        });
        Ok(())
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.inner.tasks().abort_all();
    }
}
