//! `people`: what changes when these do is seen on people who are signed in, so their tests are where those are.

/// `tests/people/sessions.rs` and `tests/people/visitors.rs` have a reload of each.
pub const KEYS: [&str; 2] = ["people.idle.icws", "people.idle.webtools"];
