//! What a request does to the session of a user, by the server's answer.
//!
//! ```text
//!   session   a 201 signs a user of icserver1 in
//! ```

use super::Text;
use crate::exchange::Call;
use crate::kinds::session::Deed;

pub(super) fn of_user(text: &mut Text, call: &Call) {
    let facts = &call.upstream.facts;
    let deed = facts
        .kind
        .sessions()
        .and_then(|sessions| sessions.deed(&call.method, call.inner_path()));
    let server = &facts.name;
    let told = match deed {
        None => return,
        Some(Deed::SignIn) => format!("a 201 signs a user of {server} in"),
        Some(Deed::Stay(_)) => {
            format!("a success shows that its user is connected to {server}")
        }
        Some(Deed::SignOut(_)) => format!("a success signs its user of {server} out"),
    };
    text.line("session", &told);
}
