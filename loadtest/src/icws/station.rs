//! The station of a session: `…/connection/station`.
//!
//! ```text
//! PUT /icws/1234/connection/station   {"workstation":"W1"}   ->  200 without a body
//! ```

use super::answer;
use super::routes::Call;
use super::session::Session;
use crate::wire::Reply;

pub(super) fn answer(call: &Call<'_>, session: &Session) -> Reply {
    match call.request.method.as_str() {
        "GET" => match session.station().as_ref() {
            Some(station) => answer::json(200, station),
            None => answer::error(
                404,
                "error.request.connection.station.notConnected",
                0,
                "No station is connected.",
            ),
        },
        "PUT" => match call.object() {
            Ok(station) => {
                *session.station() = Some(station);
                answer::empty(200)
            }
            Err(refusal) => refusal,
        },
        "DELETE" => {
            *session.station() = None;
            answer::empty(200)
        }
        _ => answer::method_not_allowed("GET, PUT, DELETE"),
    }
}
