//! What is wrong with a configuration, where, and what to write instead.
//!
//! A [`Diagnostic`] is one mistake; a [`Report`] is all of them printed with the lines they are on:
//!
//! ```text
//! portcullis.yaml:12:17: error: not a duration: `10` has no unit
//!    |
//! 12 |     keep_alive: 10
//!    |                 ^^
//!    = help: write `10s` for ten seconds; the units are ms, s, m, h and d
//! ```

mod report;
mod secret;
mod source;

pub use report::Report;
pub use source::{MAX_FILE_SIZE, Source};

/// A stretch of one line of the configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Line, counted from 1.
    pub line: u32,
    /// Column, counted from 1 in characters (not bytes).
    pub column: u32,
    /// Length in characters; what goes on over the end of the line is not counted.
    pub length: u32,
}

/// One mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Diagnostic {
    /// Where it is; `None` when the whole file is meant.
    pub place: Option<Place>,
    /// What is wrong and why, without a full stop.
    pub message: String,
    /// What to write instead, without a full stop.
    pub remedy: Option<String>,
    /// Other places that belong to it, each with what it has to do with it.
    pub related: Vec<(Place, String)>,
    /// The line may hold a secret, so no report prints it.
    pub sensitive: bool,
}

impl Diagnostic {
    /// A mistake at `place`; `None` stands for the whole file.
    pub fn new(place: impl Into<Option<Place>>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
            remedy: None,
            related: Vec::new(),
            sensitive: false,
        }
    }

    /// Adds what to write instead.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Keeps the line out of every report: it may hold a secret.
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Adds another place that belongs to the mistake; one that is not in the file is left out.
    pub fn related(mut self, place: impl Into<Option<Place>>, note: impl Into<String>) -> Self {
        if let Some(place) = place.into() {
            self.related.push((place, note.into()));
        }
        self
    }
}
