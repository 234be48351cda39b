//! What a simulated ICWS does where real installations differ; changeable while it runs.
//!
//! ```
//! use loadtest::icws::{Behaviour, Role};
//! let backup = Behaviour { role: Role::Backup, alternates: vec!["icserver1".into()], ..Behaviour::default() };
//! assert!(!backup.accepts_connections());
//! ```

use std::time::Duration;

/// The part that a Session Manager plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The active CIC server: accepts connections.
    Primary,
    /// The inactive half of a switchover pair: 503 with the alternates.
    Backup,
    /// On the CIC server while off-server Session Managers exist: 503 with the alternates, as normal operation.
    OnServerWithOssm,
    /// An off-server Session Manager (OSSM): accepts connections.
    OffServer,
}

/// Where `Path` stands among the attributes of the session cookie; both are seen in the wild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieOrder {
    /// `…; Path=/icws/<sid>; HttpOnly; Secure`, as samples of real traffic show.
    PathFirst,
    /// `…; HttpOnly; Secure; Path=/icws/<sid>`, as the vendor's documents show.
    PathLast,
}

/// The switches.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// The part it plays.
    pub role: Role,
    /// Names for `alternateHostList`: on every 503, and on the 201 when there are any.
    pub alternates: Vec<String>,
    /// A switchover is going on: new connections get 503 `error.server.unavailable` whatever the role.
    pub switchover: bool,
    /// Order of the cookie's attributes.
    pub cookie_order: CookieOrder,
    /// Ends the cookie's value in `|languageId=en-us`, which is not a cookie token.
    pub cookie_language: bool,
    /// Status of a paged answer, 200 or 206; which one the real server uses is not documented.
    pub paged_status: u16,
    /// Answers 401 when a session's requests come from another address than its login.
    pub strict_peer: bool,
    /// Silence after which an event stream gets a `:ping` comment.
    pub ping_every: Duration,
    /// Body size in bytes from which an answer is compressed when the client can take it.
    pub compress_from: usize,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            role: Role::Primary,
            alternates: Vec::new(),
            switchover: false,
            cookie_order: CookieOrder::PathFirst,
            cookie_language: false,
            paged_status: 200,
            strict_peer: false,
            ping_every: Duration::from_secs(15),
            compress_from: 2048,
        }
    }
}

impl Behaviour {
    /// Whether a login can succeed here.
    pub fn accepts_connections(&self) -> bool {
        !self.switchover && matches!(self.role, Role::Primary | Role::OffServer)
    }
}
