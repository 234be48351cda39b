//! `make reload-bench`: a thousand reloads of ten thousand hosts in the real program, and what a polite client notices of them.
//!
//! ```text
//! gateway    `portcullis run` with 10,000 hosts, 10 routes each       every core
//! polite     160 requests/s over kept connections, 20/s over new ones  every core
//! server     answers at once                                          every core
//! conductor  another file and a SIGHUP at a pace
//! ```
//!
//! Rounds without and with reloads take turns, so that both see the same machine. The results and how to read them: `docs/reloading.md`.

pub mod conductor;
mod pace;
