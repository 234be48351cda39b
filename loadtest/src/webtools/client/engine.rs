//! What every part of a page stands on: its view, its tasks, and sending with repeats and a record of every try.
//!
//! ```no_run
//! # async fn example(page: loadtest::webtools::client::Page) {
//! use loadtest::webtools::client::Request;
//! let tries = page.view().sent.iter().filter(|sent| sent.request == Request::Start).count();
//! # let _ = tries; }
//! ```

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::PageOptions;
use super::answer::{Failure, Outcome, Request, retries};
use super::http::{Lost, Origin};
use super::view::{Phase, Sent, View};

/// A page behind its handle.
pub(super) struct Inner {
    pub(super) options: PageOptions,
    origins: Vec<Origin>,
    view: Mutex<View>,
    pub(super) changed: watch::Sender<u64>,
    /// Wakes the poll timer when the wait or the phase has changed.
    pub(super) timer: Notify,
    tasks: Mutex<JoinSet<()>>,
}

impl Inner {
    pub(super) fn new(options: PageOptions) -> io::Result<Arc<Self>> {
        let base = options.base.trim_end_matches('/');
        let origin = |fragment: &String| {
            let url = match fragment.contains("://") {
                true => fragment.clone(),
                false => format!("{base}/{}", fragment.trim_start_matches('/')),
            };
            Origin::new(&url, options.connect_to, &options.trust)
        };
        let origins = options
            .fragments
            .iter()
            .map(origin)
            .collect::<io::Result<Vec<_>>>()?;
        if origins.is_empty() {
            return Err(io::Error::other("a page needs at least one fragment"));
        }
        let view = View {
            poll_wait: options.timings.poll,
            ..View::default()
        };
        Ok(Arc::new(Self {
            options,
            origins,
            view: Mutex::new(view),
            changed: watch::Sender::new(0),
            timer: Notify::new(),
            tasks: Mutex::default(),
        }))
    }

    pub(super) fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut View) -> T) -> T {
        let result = change(&mut self.view());
        self.changed.send_modify(|version| *version += 1);
        result
    }

    pub(super) fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs something for as long as the page lives.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    pub(super) fn here(&self) -> (usize, String) {
        let view = self.view();
        (view.fragment, view.participant.clone())
    }

    pub(super) fn other(&self, fragment: usize) -> usize {
        (fragment + 1) % self.origins.len().max(1)
    }

    /// One server is asked up to four times, two are asked in turn, as often in total.
    pub(super) async fn configure(&self) -> Result<Value, Failure> {
        let mut fragment = self.view().fragment;
        let mut last = Outcome::Broken;
        for _ in 0..4 {
            last = self.call(Request::Configuration, fragment, "", None).await;
            if let Outcome::Success(answer) = last {
                self.change(|view| {
                    view.fragment = fragment;
                    view.cfg_ver = configuration(&answer)
                        .get("cfgVer")
                        .and_then(Value::as_u64)
                        .unwrap_or(0);
                });
                return Ok(answer);
            }
            fragment = self.other(fragment);
        }
        Err(Failure(last))
    }

    /// Takes the ids from the answer to a start or a reconnect.
    pub(super) fn joined(&self, answer: &Value, fragment: usize) {
        let chat = answer.get("chat").unwrap_or(&Value::Null);
        let text = |name: &str| {
            chat.get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        self.change(|view| {
            view.fragment = fragment;
            view.phase = Phase::Chatting;
            view.chat_id = text("chatID");
            view.participant = text("participantID");
            view.participants.push(view.participant.clone());
            if let Some(wait) = chat.get("pollWaitSuggestion").and_then(Value::as_u64) {
                view.poll_wait = Duration::from_millis(wait);
            }
            view.take_events(chat);
        });
    }

    /// Sends a request, repeats it as the page's table says, and records every try.
    pub(super) async fn call(
        &self,
        request: Request,
        fragment: usize,
        participant: &str,
        body: Option<&Value>,
    ) -> Outcome {
        let repeats = retries(request).unwrap_or(self.options.repeat_cap);
        let mut outcome = self.once(request, fragment, participant, body).await;
        for _ in 0..repeats {
            if !outcome.is_repeated() {
                break;
            }
            outcome = self.once(request, fragment, participant, body).await;
        }
        outcome
    }

    async fn once(
        &self,
        request: Request,
        fragment: usize,
        participant: &str,
        body: Option<&Value>,
    ) -> Outcome {
        let mut path = request.path().to_owned();
        if !participant.is_empty() {
            path.push('/');
            path.push_str(participant);
        }
        let at = Instant::now();
        let body = body
            .map(|body| Bytes::from(body.to_string()))
            .unwrap_or_default();
        let outcome = self.send(request, fragment, &path, body).await;
        let sent = Sent {
            request,
            fragment,
            participant: participant.to_owned(),
            at,
            took: at.elapsed(),
            outcome: outcome.clone(),
        };
        self.change(|view| view.record(sent));
        outcome
    }

    async fn send(&self, request: Request, fragment: usize, path: &str, body: Bytes) -> Outcome {
        let mut headers = vec![
            (
                "Accept".to_owned(),
                "application/json; charset=utf-8".to_owned(),
            ),
            ("X-Requested-With".to_owned(), "XMLHttpRequest".to_owned()),
        ];
        let method = if request.is_get() { "GET" } else { "POST" };
        if method == "POST" {
            // The real page's library adds the parameter once more.
            let twice = "application/json; charset=utf-8; charset=UTF-8";
            headers.push(("Content-Type".to_owned(), twice.to_owned()));
        }
        headers.extend(self.options.headers.iter().cloned());
        let Some(origin) = self.origins.get(fragment) else {
            return Outcome::Broken;
        };
        match origin
            .send(method, path, &headers, body, self.options.timings.abort)
            .await
        {
            Ok(received) => Outcome::read(received.status, &received.body),
            Err(Lost::Broken) => Outcome::Broken,
            Err(Lost::TimedOut) => Outcome::TimedOut,
        }
    }

    /// A plain GET as a link has it: no JSON asked for.
    pub(super) async fn get(&self, fragment: usize, path: &str) -> Result<(u16, Bytes), Outcome> {
        let origin = self.origins.get(fragment).ok_or(Outcome::Broken)?;
        let abort = self.options.timings.abort;
        let sent = origin
            .send("GET", path, &self.options.headers, Bytes::new(), abort)
            .await;
        match sent {
            Ok(received) => Ok((received.status, received.body)),
            Err(Lost::Broken) => Err(Outcome::Broken),
            Err(Lost::TimedOut) => Err(Outcome::TimedOut),
        }
    }
}

/// The configuration inside its list.
pub(super) fn configuration(answer: &Value) -> &Value {
    let first = answer.get(0).unwrap_or(answer);
    first.get("serverConfiguration").unwrap_or(&Value::Null)
}
