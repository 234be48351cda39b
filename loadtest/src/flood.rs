//! `make flood`: what a client that keeps to its limits notices of ten thousand addresses that do not.
//!
//! Everything that measures or is measured is a process of its own, so that one cannot be mistaken for the other:
//!
//! ```text
//! gateway    `portcullis run`, limits at their defaults        the first core, alone
//! polite     a fixed rate below its limits, exact times        the second core
//! server     answers at once                                   the second core
//! attack     a bounded rate, counted                           the second core, with the lowest priority (nice 19)
//! ```
//!
//! The results and how to read them: `loadtest/README.md`.

pub mod attack;
pub mod conductor;
mod configuration;
mod memory;
mod table;
