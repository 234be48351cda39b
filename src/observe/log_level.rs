//! How much is said, which can change while the gateway runs.

use crate::config::LogLevel;

/// From now on as the file says. RUST_LOG wins over the file, for the hour in which somebody needs more.
pub fn follow(level: LogLevel) {
    if std::env::var_os("RUST_LOG").is_none()
        && let Ok(level) = level.word().parse()
    {
        log::set_max_level(level);
    }
}
