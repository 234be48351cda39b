//! The logger of the process: how much the gateway says about itself, and where, as the file has it.

use std::io;

use env_logger::Target;

use super::{line::Lines, log_file, log_level};
use crate::config::Log;

/// Ours, and of Pingora what needs somebody. SECURITY: not what its HTTP apps and its proxy say of single clients, at level `error` and
/// without any bound: whoever breaks off a thousand handshakes a second would fill the disk. We count and say it ourselves.
const FILTER: &str = "portcullis=trace,pingora=error,pingora_core::apps=off,pingora_proxy=off";

/// Everything of ours passes the logger's own filter, so that the file's level can change while the gateway runs.
/// RUST_LOG wins over the file, for the hour in which somebody needs more.
///
/// # Errors
/// The log file cannot be opened.
pub fn start(config: &Log) -> io::Result<()> {
    log_file::follow(config.file.as_ref().map(|file| file.path()))?;
    let env = env_logger::Env::default().default_filter_or(FILTER);
    let logger = env_logger::Builder::from_env(env)
        .target(Target::Pipe(Box::new(log_file::LogFile)))
        // `Lines` has done it, and leaves empty lines empty.
        .format_indent(None)
        .build();
    log::set_max_level(logger.filter());
    let _ = log::set_boxed_logger(Box::new(Lines(logger)));
    log_level::follow(config.level);
    Ok(())
}
