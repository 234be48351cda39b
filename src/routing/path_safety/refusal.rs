//! Why a path was refused, in enough detail to print which reading led where.
//!
//! `decoded twice the path reads `/us/icserver1/WebHTMLService/x`, which is not exposed` is the text of one.

use std::fmt;

use super::readings::{Step, Unreadable};

/// Longest piece of a client's path that is repeated in a sentence, in characters.
const MAX_QUOTED: usize = 200;

/// Why a path is not forwarded. The text is for logs and `explain`, not for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathRefusal {
    /// Not a path that any server should get: 400.
    #[error(transparent)]
    Bad(#[from] BadPath),
    /// Readings that disagree: 400.
    #[error(transparent)]
    Ambiguous(Box<Ambiguity>),
    /// No route: 404.
    #[error("the path leads to no route")]
    UnknownPath,
    /// A `{server}` route whose list lacks the name: 404.
    #[error("the server name `{}` is not in the list of the route that the path belongs to", quoted(.name))]
    UnknownServer {
        /// Position of the route in what the table was built from.
        route: usize,
        /// The name as the client wrote it, however long.
        name: String,
    },
    /// A route, and nothing that it exposes: 404.
    #[error("the route `{pattern}` matches, but {}", unexposed(.inner.as_deref()))]
    NotExposed {
        /// Position of the route in what the table was built from.
        route: usize,
        /// The route's path in the file.
        pattern: String,
        /// The path its server would see; `None` if it lacks the segment that server's paths begin with.
        inner: Option<String>,
    },
}

/// What makes a path unfit to be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// Longer than [`MAX_PATH_BYTES`](super::MAX_PATH_BYTES).
    #[error("the path is longer than {} bytes", super::MAX_PATH_BYTES)]
    TooLong,
    /// Not origin form (RFC 9112, 3.2.1).
    #[error("the path does not begin with a slash")]
    NoLeadingSlash,
    /// A control, a space, a byte outside ASCII, or one that ends a path or belongs in no path.
    #[error("the path contains the byte 0x{0:02x}, which must be percent-encoded")]
    Byte(u8),
    /// `%` without two hexadecimal digits (RFC 3986, 2.1).
    #[error("the path contains a `%` without two hexadecimal digits")]
    Escape,
    /// Something came to light only in a reading.
    #[error(transparent)]
    Unreadable(Unreadable),
}

/// Whose reading of a path led astray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The public path.
    Client,
    /// The path as forwarded to the server.
    Server,
}

/// Two readings of one path that disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguity {
    /// Which path was read.
    pub seen: Seen,
    /// Where the public path leads as it is written, if that is nowhere.
    pub as_written: Option<Nowhere>,
    /// What a server would do to read it so.
    pub steps: Vec<Step>,
    /// What it then reads.
    pub reads: String,
    /// Where that leads.
    pub leads_to: LeadsTo,
}

/// Where a reading leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeadsTo {
    /// To an exposed place.
    Route {
        /// Position of the route.
        route: usize,
        /// Which of its server names.
        server: Option<usize>,
        /// The public prefix it matched.
        prefix: String,
    },
    /// To no place of the table that is exposed.
    Nowhere(Nowhere),
    /// On the server, out of what the route exposes.
    OutsideExposed,
    /// On the server, to what may be taken for another host (`//name/`).
    OtherHost,
    /// Above the root, by a `..` too many.
    AboveRoot,
    /// To a segment of dots and spaces, which Windows may take for `.` or `..`.
    OddDots,
    /// To more readings than are followed ([`MAX_READINGS`](super::MAX_READINGS)).
    TooManyReadings,
}

/// Why a path, read one way, leads to nothing exposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nowhere {
    /// No route matches.
    NoRoute,
    /// A `{server}` route without this name.
    UnknownServer {
        /// Position of the route.
        route: usize,
        /// The name.
        name: String,
    },
    /// A route that does not expose it.
    NotExposed {
        /// Position of the route.
        route: usize,
        /// The route's path in the file.
        pattern: String,
        /// The path its server would see; `None` if it lacks the segment that server's paths begin with.
        inner: Option<String>,
    },
}

impl From<Nowhere> for PathRefusal {
    /// The refusal of a path all of whose readings lead nowhere.
    fn from(nowhere: Nowhere) -> Self {
        match nowhere {
            Nowhere::NoRoute => Self::UnknownPath,
            Nowhere::UnknownServer { route, name } => Self::UnknownServer { route, name },
            Nowhere::NotExposed {
                route,
                pattern,
                inner,
            } => Self::NotExposed {
                route,
                pattern,
                inner,
            },
        }
    }
}

impl std::error::Error for Ambiguity {}

impl fmt::Display for Ambiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(as_written) = &self.as_written {
            write!(f, "as written the path {as_written}; ")?;
        }
        Step::describe(&self.steps, f)?;
        let whose = match self.seen {
            Seen::Client => "the path",
            Seen::Server => "the path that the server would get",
        };
        let reads = quoted(&self.reads);
        write!(f, "{whose} reads `{reads}`, which {}", self.leads_to)
    }
}

impl fmt::Display for LeadsTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route { prefix, .. } => write!(f, "leads to `{}`", quoted(prefix)),
            Self::Nowhere(nowhere) => nowhere.fmt(f),
            Self::OutsideExposed => f.write_str("is not exposed"),
            Self::OtherHost => f.write_str("may be taken for another host"),
            Self::AboveRoot => f.write_str("climbs above its root"),
            Self::OddDots => {
                f.write_str("has a segment of dots and spaces that servers read in different ways")
            }
            Self::TooManyReadings => f.write_str("can be read on in too many ways"),
        }
    }
}

impl fmt::Display for Nowhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoute => f.write_str("leads to no route"),
            Self::UnknownServer { name, .. } => {
                write!(f, "names the unlisted server `{}`", quoted(name))
            }
            Self::NotExposed { pattern, inner, .. } => {
                let why = unexposed(inner.as_deref());
                write!(f, "leads to the route `{pattern}`, where {why}")
            }
        }
    }
}

fn unexposed(inner: Option<&str>) -> String {
    match inner {
        Some(inner) => format!("`{}` is not exposed", quoted(inner)),
        None => "the path has no part that its server exposes".to_owned(),
    }
}

/// A client's text, cut short and free of anything that could forge a log line.
fn quoted(text: &str) -> String {
    let mut quoted: String = text
        .chars()
        .take(MAX_QUOTED)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(MAX_QUOTED).is_some() {
        quoted.push_str("...");
    }
    quoted
}
