//! Calls with fixed or simple answers, and the statuses that applications see in real life.
//!
//! ```text
//! GET /icws/connection/features   ->  {"featureInfoList":[{"featureId":"messaging","version":2}]}
//! ```

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::answer;
use super::routes::Call;
use super::session::Session;
use crate::wire::Reply;

/// Every field is text in the real answer, numbers included.
pub(super) fn version() -> Value {
    json!({
        "majorVersion": "20", "minorVersion": "1", "su": "0", "buildVersion": "2020",
        "productId": "CIC", "codebaseId": "ICWS", "versionDisplayString": "2020 R1"
    })
}

pub(super) fn features() -> Value {
    json!({"featureInfoList": [
        {"featureId": "connection", "version": 4},
        {"featureId": "messaging", "version": 2},
        {"featureId": "status", "version": 2},
        {"featureId": "configuration", "version": 3}
    ]})
}

pub(super) fn feature(id: &str) -> Reply {
    let list = features();
    let found = list["featureInfoList"]
        .as_array()
        .and_then(|features| features.iter().find(|f| f["featureId"] == id));
    found.map_or_else(answer::not_found, |feature| answer::json(200, feature))
}

pub(super) fn server_info(call: &Call<'_>) -> Reply {
    answer::json(
        200,
        &json!({"icServer": call.state.name, "isSwitchoverEnabled": !call.state.behaviour().alternates.is_empty()}),
    )
}

pub(super) fn server_time() -> Value {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    json!({"serverTime": seconds.to_string(), "timeZoneOffset": 0})
}

/// `connectionState` 1 is "up".
pub(super) fn connection_state() -> Reply {
    answer::json(
        200,
        &json!({"connectionState": 1, "reason": "", "shouldReconnect": false}),
    )
}

pub(super) fn switchover_status(call: &Call<'_>) -> Reply {
    answer::json(
        200,
        &json!({"switchoverInProgress": call.state.behaviour().switchover}),
    )
}

/// Says which public URL this request is taken to have had, and the URIs made from it.
pub(super) fn echo(call: &Call<'_>, sid: &str) -> Reply {
    let base = call.public_base();
    let body = json!({
        "fromOriginalUrl": call.request.has("ININ-ICWS-Original-URL"),
        "originalUrls": call.request.all("ININ-ICWS-Original-URL"),
        "url": call.public_url(),
        "uri": format!("{base}/{sid}/configuration/users/agent1"),
        "iconUri": format!("{base}/{sid}/icons/available.png"),
        "requestLine": call.request.line(),
    });
    answer::json(200, &body)
}

pub(super) fn export_uri(call: &Call<'_>, sid: &str, recording: &str) -> Reply {
    let encoded =
        percent_encoding::utf8_percent_encode(recording, percent_encoding::NON_ALPHANUMERIC);
    answer::json(
        200,
        &json!({"uri": format!("{}/{sid}/recordings/{encoded}/file", call.public_base())}),
    )
}

/// 416 is documented for this call: everything past the 1000 items there are.
pub(super) fn wfm_data(call: &Call<'_>) -> Reply {
    let asked = call.request.first("range");
    let first = asked.as_deref().and_then(|range| {
        range
            .strip_prefix("items=")?
            .split('-')
            .next()?
            .parse::<u64>()
            .ok()
    });
    if first.is_some_and(|first| first >= 1000) {
        return answer::error(
            416,
            "error.request.rangeNotSatisfiable",
            0,
            "The requested range cannot be satisfied.",
        )
        .header("Content-Range", "items */1000");
    }
    answer::json(200, &json!({"items": []})).header("Content-Range", "items 0-0/1000")
}

/// 202; the result arrives as a message.
pub(super) fn agent_quality_search(session: &Session) -> Reply {
    session.mailbox().push(json!({"__type": "urn:inin.com:quality:searchResultMessage", "isDelta": false, "results": []}));
    answer::json(202, &json!({"queryId": "1"}))
}

/// 504 is documented for this call: the directory behind did not answer. It is an answer of the application.
pub(super) fn resolve_address() -> Reply {
    answer::error(
        504,
        "error.request.timeout",
        -2_147_467_259,
        "The operation timed out.",
    )
}

/// Any status from 200 to 599, with ICWS's error object from 400 on and an empty body below.
pub(super) fn status(status: &str) -> Reply {
    match status.parse() {
        Ok(status @ 200..=399) => answer::empty(status),
        Ok(410) => answer::error(
            410,
            "error.request.resourceRetired",
            0,
            "The resource has been retired.",
        ),
        Ok(status @ 400..=599) => answer::error(
            status,
            "error.simulated",
            i64::from(status),
            "Asked for by the test.",
        ),
        _ => answer::malformed("The status is not one from 200 to 599."),
    }
}
