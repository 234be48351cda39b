//! What the gateway says about itself.

pub mod access_log;
pub mod line;
pub mod log_file;
pub mod log_level;
pub mod logger;
pub mod metrics;
pub mod notices;
pub mod pace;
pub mod refusals;
pub mod took;
