//! `GET /api/users`: who is connected, all of them or those of one kind or server.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use percent_encoding::percent_decode_str;

use super::{Answer, Gateway, error, long};
use crate::limits::Clock;
use crate::people::{Kind, View};

pub(super) async fn users(State(gateway): State<Gateway>, RawQuery(query): RawQuery) -> Answer {
    let (mut kind, mut server): (_, Option<String>) = (None, None);
    let given = query.as_deref().unwrap_or_default();
    for pair in given.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode_str(value).decode_utf8_lossy();
        match key {
            "kind" => match Kind::named(&value) {
                Some(named) => kind = Some(named),
                None => return error(StatusCode::BAD_REQUEST, &unknown(&value)),
            },
            "server" => server = Some(value.into_owned()),
            _ => {
                let why = "`/api/users` takes `kind` and `server`";
                return error(StatusCode::BAD_REQUEST, why);
            }
        }
    }
    long(move || {
        let now = Clock::now();
        let runtime = &gateway.runtime;
        let mut views = runtime.connected(&gateway.snapshot.load().people, now);
        views.retain(|view| {
            let is_kind = kind.is_none_or(|kind| kind == view.kind);
            let of_server = |server: &str| server.eq_ignore_ascii_case(&view.server);
            is_kind && server.as_deref().is_none_or(of_server)
        });
        View::told(views, runtime.people.unlisted(), now)
    })
    .await
}

fn unknown(kind: &str) -> String {
    let all = Kind::ALL
        .map(|kind| format!("`{}`", kind.name()))
        .join(", ");
    format!("not a kind of people: `{kind}`; they are {all}")
}
