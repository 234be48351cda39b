//! The `people` section: users and visitors who are connected.
//!
//! ```yaml
//! people: { idle: { icws: 5m, webtools: 3m } }
//! ```

use super::At;
use super::section::section;
use super::value::Duration;

section! {
    /// Users and visitors who are connected, as `portcullis users` and the metrics show them. It limits nothing and ends nothing.
    pub struct People {
        /// How long nothing may be heard of somebody, by a server's success, before he counts as gone.
        idle: PeopleIdle = nested,
    }
}

section! {
    /// How long nothing may be heard of somebody, by a server's success, before he counts as gone.
    pub struct PeopleIdle {
        /// Of a user of ICWS, per session. While an event stream is open he is there, however quiet it is.
        icws: At<Duration> = default Duration::from_secs(300),
        /// Of a visitor in a chat or waiting for a callback, by Web Tools or by ICWS, per chat or callback. What `limits.interactions.silence` has ended is gone in any case.
        webtools: At<Duration> = default Duration::from_secs(180),
    }
}
