//! The `state` section: what survives the process.
//!
//! ```yaml
//! state: { file: /var/lib/portcullis/state.json }
//! ```

use super::At;
use super::section::section;
use super::value::FilePath;

section! {
    /// What survives the process.
    pub struct State {
        /// Where bans and refusals are kept over a restart. Without it: `state.json` in the folder that systemd gives (`StateDirectory=`), and without that nowhere.
        file: Option<At<FilePath>> = optional,
    }
    planned ["redis"];
}
