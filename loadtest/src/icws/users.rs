//! `configuration/users`, paged by `Range: items=a-b` and `Content-Range: items a-b/total`.
//!
//! ```text
//! Range: items=200-399   ->   Content-Range: items 200-399/1234
//! ```

use serde_json::{Value, json};

use super::answer;
use super::routes::Call;
use crate::wire::Reply;

/// Users in one page at most.
const PAGE: usize = 200;

/// `GET …/configuration/users`.
pub(super) fn list(call: &Call<'_>, sid: &str) -> Reply {
    let total = call.state.configured_users;
    let range = call.request.first("range");
    let Some((first, last)) = page(range.as_deref(), total) else {
        return answer::error(
            416,
            "error.request.rangeNotSatisfiable",
            0,
            "The requested range cannot be satisfied.",
        )
        .header("Content-Range", format!("items */{total}"));
    };
    let base = call.public_base();
    let select = call.request.parameter("select").unwrap_or_default();
    let items: Vec<Value> = (first..last)
        .map(|number| user(&base, sid, number, &select))
        .collect();
    let reply = answer::json(
        call.state.behaviour().paged_status,
        &json!({"items": items}),
    );
    if total == 0 {
        reply
    } else {
        reply.header(
            "Content-Range",
            format!("items {first}-{}/{total}", last - 1),
        )
    }
}

/// `GET …/configuration/users/{id}`.
pub(super) fn one(call: &Call<'_>, sid: &str, id: &str) -> Reply {
    let number = id
        .strip_prefix("user")
        .and_then(|digits| digits.parse::<usize>().ok());
    match number.filter(|&number| number < call.state.configured_users && name(number) == id) {
        Some(number) => answer::json(200, &user(&call.public_base(), sid, number, "extension")),
        None => answer::not_found(),
    }
}

fn name(number: usize) -> String {
    format!("user{number:04}")
}

fn user(base: &str, sid: &str, number: usize, select: &str) -> Value {
    let id = name(number);
    let uri = format!("{base}/{sid}/configuration/users/{id}");
    let mut user =
        json!({"configurationId": {"id": id, "displayName": format!("User {number}"), "uri": uri}});
    if let Some(fields) = user
        .as_object_mut()
        .filter(|_| select.split(',').any(|field| field == "extension"))
    {
        fields.insert("extension".to_owned(), json!((1000 + number).to_string()));
    }
    user
}

/// First item and the one after the last, of a request's Range; `None` when it begins past the end.
/// A Range of another unit or form is ignored, as RFC 9110 14.2 has it.
fn page(range: Option<&str>, total: usize) -> Option<(usize, usize)> {
    let asked = range.and_then(|range| {
        let (first, last) = range.strip_prefix("items=")?.split_once('-')?;
        let first: usize = first.parse().ok()?;
        let last: usize = if last.is_empty() {
            usize::MAX - 1
        } else {
            last.parse().ok()?
        };
        (first <= last).then_some((first, last))
    });
    match asked {
        Some((first, _)) if first >= total => None,
        Some((first, last)) => Some((first, last.saturating_add(1).min(total).min(first + PAGE))),
        None => Some((0, total.min(PAGE))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_the_range() {
        let table = [
            (None, 1234, Some((0, 200))),
            (Some("items=0-199"), 1234, Some((0, 200))),
            (Some("items=200-399"), 1234, Some((200, 400))),
            (Some("items=1200-1399"), 1234, Some((1200, 1234))),
            (Some("items=10-"), 1234, Some((10, 210))),
            (Some("items=5-5"), 1234, Some((5, 6))),
            (Some("items=0-9999"), 1234, Some((0, 200))),
            (Some("items=1234-1300"), 1234, None),
            (Some("bytes=0-1"), 1234, Some((0, 200))),
            (Some("items=9-5"), 1234, Some((0, 200))),
            (Some("items=x-y"), 1234, Some((0, 200))),
            (Some("items=0-18446744073709551615"), 10, Some((0, 10))),
            (None, 0, Some((0, 0))),
        ];
        for (range, total, expected) in table {
            assert_eq!(page(range, total), expected, "{range:?} of {total}");
        }
    }
}
