//! User statuses, with the messages that a change sends to those who subscribed.
//!
//! ```text
//! PUT /icws/1234/status/user-statuses/user1   {"statusId":"At Lunch"}   ->  202
//! ```

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::answer;
use super::routes::{Call, text};
use super::session::{Session, lock};
use crate::wire::Reply;

/// The subscription that status messages go to.
pub(super) const SUBSCRIPTION: &str = "status/user-statuses";
/// Users whose status is remembered at most.
const MAX_USERS: usize = 100_000;

/// Status of each user who has set one.
#[derive(Debug, Default)]
pub(super) struct Statuses {
    users: Mutex<BTreeMap<String, String>>,
    requests: AtomicU64,
}

impl Statuses {
    /// A status message about these users.
    pub(super) fn message(&self, is_delta: bool, users: &[String]) -> Value {
        let list: Vec<Value> = users.iter().map(|user| self.of(user)).collect();
        json!({"__type": "urn:inin.com:status:userStatusMessage", "isDelta": is_delta, "userStatusList": list})
    }

    fn of(&self, user: &str) -> Value {
        let status = lock(&self.users).get(user).cloned();
        json!({"userId": user, "statusId": status.as_deref().unwrap_or("Available"), "loggedIn": true, "onPhone": false})
    }

    fn set(&self, user: &str, status: &str) {
        let mut users = lock(&self.users);
        if users.len() < MAX_USERS || users.contains_key(user) {
            users.insert(user.to_owned(), status.to_owned());
        }
    }
}

/// The users named in a subscription's body.
pub(super) fn subscribed_users(settings: &Value) -> Vec<String> {
    let ids = settings.get("userIds").and_then(Value::as_array);
    ids.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// `GET …/status/user-statuses/{user}`.
pub(super) fn get(call: &Call<'_>, user: &str) -> Reply {
    answer::json(200, &call.state.statuses.of(user))
}

/// `PUT …/status/user-statuses/{user}`: 202, and its completion arrives later as messages.
pub(super) fn put(call: &Call<'_>, session: &Session, user: &str) -> Reply {
    let body = match call.object() {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let status = match text(&body, "statusId") {
        Ok(status) => status,
        Err(refusal) => return refusal,
    };
    let statuses = &call.state.statuses;
    statuses.set(user, status);
    let request = statuses.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let delta = statuses.message(true, &[user.to_owned()]);
    for other in call.state.sessions.all() {
        let subscription = other.subscriptions().get(SUBSCRIPTION).cloned();
        if subscription
            .is_some_and(|settings| subscribed_users(&settings).iter().any(|id| id == user))
        {
            other.mailbox().push(delta.clone());
        }
    }
    let completed = "urn:inin.com:messaging:asyncOperationCompletedMessage";
    session
        .mailbox()
        .push(json!({"__type": completed, "isDelta": false, "requestId": request}));
    answer::json(202, &json!({"requestId": request}))
}
