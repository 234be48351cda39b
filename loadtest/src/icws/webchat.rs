//! Chat and callback without a session (PureConnect Widgets). Note `participantId` here and `participantID` for callbacks.
//!
//! ```text
//! POST /icws/web-chat/start   ->  {"pollWaitSuggestion":2000,"participantId":"...","chatId":"..."}
//! ```

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::answer;
use super::login::guid;
use super::routes::{Call, text};
use super::session::lock;
use crate::wire::Reply;

/// Chats or callbacks that one server holds at most.
const MAX_INTERACTIONS: usize = 100_000;

/// Active interactions: participant to chat, and participant to callback.
#[derive(Debug, Default)]
pub(super) struct WebChats {
    chats: Mutex<HashMap<String, Chat>>,
    callbacks: Mutex<HashMap<String, String>>,
}

#[derive(Debug)]
struct Chat {
    chat_id: String,
    events: Vec<Value>,
}

impl WebChats {
    pub(super) fn active_chats(&self) -> usize {
        lock(&self.chats).len()
    }

    pub(super) fn active_callbacks(&self) -> usize {
        lock(&self.callbacks).len()
    }
}

/// `/icws/web-chat/…`. `poll` and `exit` are INFERRED from Web Tools.
pub(super) fn chat(call: &Call<'_>, path: &[&str]) -> Reply {
    match (call.request.method.as_str(), path) {
        ("POST", ["start"]) => start(call).unwrap_or_else(|refusal| refusal),
        ("POST", ["send-message", participant]) => {
            send_message(call, participant).unwrap_or_else(|refusal| refusal)
        }
        ("POST", ["reconnect"]) => reconnect(call).unwrap_or_else(|refusal| refusal),
        ("GET", ["poll", participant]) => match lock(&call.state.chats.chats).get_mut(*participant)
        {
            Some(chat) => {
                let events = std::mem::take(&mut chat.events);
                answer::json(200, &json!({"pollWaitSuggestion": 2000, "events": events}))
            }
            None => unknown_participant(),
        },
        ("POST", ["exit", participant]) => match lock(&call.state.chats.chats).remove(*participant)
        {
            Some(_) => Reply::new(204),
            None => unknown_participant(),
        },
        _ => answer::not_found(),
    }
}

/// `/icws/web-callback/…`. `disconnect` is INFERRED from Web Tools.
pub(super) fn callback(call: &Call<'_>, path: &[&str]) -> Reply {
    let callbacks = &call.state.chats.callbacks;
    match (call.request.method.as_str(), path) {
        ("POST", ["create"]) => create(call).unwrap_or_else(|refusal| refusal),
        ("GET", ["status", participant]) if lock(callbacks).contains_key(*participant) => {
            answer::json(
                202,
                &json!({"state": "Queued", "queueWaitTime": 42, "queuePosition": 3}),
            )
        }
        ("POST", ["reconnect"]) => match call.object() {
            Ok(body)
                if lock(callbacks)
                    .values()
                    .any(|id| Some(id.as_str()) == body["callbackID"].as_str()) =>
            {
                Reply::new(204)
            }
            Ok(_) => answer::error(
                400,
                "error.request.webCallback.invalidCallbackId",
                0,
                "The callback is unknown.",
            ),
            Err(refusal) => refusal,
        },
        ("POST", ["disconnect", participant]) if lock(callbacks).remove(*participant).is_some() => {
            Reply::new(204)
        }
        ("GET", ["status", _]) | ("POST", ["disconnect", _]) => answer::error(
            400,
            "error.request.webCallback.invalidParticipantId",
            0,
            "The participant is unknown.",
        ),
        _ => answer::not_found(),
    }
}

fn start(call: &Call<'_>) -> Result<Reply, Reply> {
    let body = call.object()?;
    for property in ["participantName", "targetName", "targetType"] {
        text(&body, property)?;
    }
    let (participant, chat_id) = ids(lock(&call.state.chats.chats).len())?;
    let events = vec![
        json!({"type": "participantStateChanged", "participantId": participant, "state": "active"}),
    ];
    let answer = json!({
        "pollWaitSuggestion": 2000, "participantId": participant, "chatId": chat_id,
        "dateFormat": "M/d/yyyy", "timeFormat": "h:mm:ss tt"
    });
    lock(&call.state.chats.chats).insert(participant, Chat { chat_id, events });
    Ok(answer::json(200, &answer))
}

fn send_message(call: &Call<'_>, participant: &str) -> Result<Reply, Reply> {
    let body = call.object()?;
    let message = text(&body, "message")?;
    let mut chats = lock(&call.state.chats.chats);
    let chat = chats.get_mut(participant).ok_or_else(unknown_participant)?;
    if chat.events.len() < 1000 {
        chat.events
            .push(json!({"type": "text", "participantId": participant, "value": message}));
    }
    Ok(Reply::new(204))
}

fn reconnect(call: &Call<'_>) -> Result<Reply, Reply> {
    let body = call.object()?;
    let (chat_id, participant) = (text(&body, "chatId")?, text(&body, "participantId")?);
    let known = lock(&call.state.chats.chats)
        .get(participant)
        .is_some_and(|chat| chat.chat_id == chat_id);
    let refusal = || {
        answer::error(
            400,
            "error.request.webChat.invalidChatId",
            0,
            "The chat is unknown.",
        )
    };
    if known {
        Ok(Reply::new(204))
    } else {
        Err(refusal())
    }
}

fn create(call: &Call<'_>) -> Result<Reply, Reply> {
    call.object()?;
    let (participant, callback) = ids(lock(&call.state.chats.callbacks).len())?;
    let answer = json!({"participantID": participant, "callbackID": callback});
    lock(&call.state.chats.callbacks).insert(participant, callback);
    Ok(answer::json(200, &answer))
}

fn ids(active: usize) -> Result<(String, String), Reply> {
    let full = || {
        answer::error(
            503,
            "error.server.unavailable",
            0,
            "There are too many interactions.",
        )
    };
    if active >= MAX_INTERACTIONS {
        return Err(full());
    }
    guid().zip(guid()).ok_or_else(full)
}

fn unknown_participant() -> Reply {
    answer::error(
        400,
        "error.request.webChat.invalidParticipantId",
        0,
        "The participant is unknown.",
    )
}
