//! What has happened at the admin listener: who has signed in, and who has tried. A reload forgets none of it.

use super::attempts::Attempts;
use super::session::Sessions;

/// Operators, and those who would like to be.
#[derive(Default)]
pub struct Operators {
    pub(super) sessions: Sessions,
    pub(super) attempts: Attempts,
}
