//! The one rule against path tricks: a path is forwarded, in its original bytes, only if every way in which a server
//! could read it leads to the same route, the same server and something that is exposed there.
//!
//! Two things are read in every way: the public path, which must lead to one place only, and the path that the
//! server will see, which must stay exposed. Readings that disagree are [`PathRefusal::Ambiguous`] (400); a path
//! that leads nowhere in all of them is a plain 404. A path of plain bytes has one reading and costs one scan and
//! one match, without allocation.
//!
//! ```
//! use portcullis::routing::{Exposed, Exposes, Mapping, RouteSpec, RouteTable, judge};
//!
//! struct Gadgets(Mapping);
//! impl Exposes for Gadgets {
//!     fn mapping(&self, _server: Option<usize>) -> &Mapping {
//!         &self.0
//!     }
//! }
//! let gadgets = Gadgets(Mapping::below("/public/".parse()?, Exposed::Everything));
//! let table = RouteTable::build(vec![RouteSpec::to_one("/gadgets/".parse()?, gadgets)]).map_err(|e| e[0].clone())?;
//!
//! assert_eq!(judge(&table, "/gadgets/a%2fb")?.inner_path(), "/public/a%2fb");
//! let refusal = judge(&table, "/gadgets/%252e%252e/admin").err().map(|r| r.to_string());
//! assert_eq!(
//!     refusal.as_deref(),
//!     Some("decoded twice, then with dot segments resolved, the path reads `/admin`, which leads to no route"),
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod readings;
mod refusal;
mod scan;

#[cfg(test)]
mod tests;

pub use readings::{MAX_READING_BYTES, MAX_READINGS, Step, Unreadable};
pub use refusal::{Ambiguity, BadPath, LeadsTo, Nowhere, PathRefusal, Seen};
pub use scan::MAX_PATH_BYTES;

use readings::{Reading, Stop, every_reading};
use scan::{Shape, scan};

use super::mapping::{Exposes, Inner, Mapping};
use super::route_table::{Found, RouteTable};

/// A path that may be forwarded.
#[derive(Debug)]
pub struct Judged<'t, 'p, R> {
    /// What the route was built with.
    pub route: &'t R,
    /// Its position in what the table was built from.
    pub index: usize,
    /// Which of the route's server names the path has, by position in its list.
    pub server: Option<usize>,
    /// The beginning of the public path that the server does not see, as the client wrote it, ending in a slash:
    /// what a Set-Cookie's Path and a Location begin with on their way back.
    pub public_prefix: &'p str,
    /// What the server sees in its place, ending in a slash.
    pub inner_prefix: &'t str,
    /// What follows in both, byte for byte as the client wrote it.
    pub rest: &'p str,
    mapping: &'t Mapping,
}

impl<'t, 'p, R> Judged<'t, 'p, R> {
    /// The path taken apart.
    pub fn inner(&self) -> Inner<'t, 'p> {
        Inner {
            public_prefix: self.public_prefix,
            inner_prefix: self.inner_prefix,
            rest: self.rest,
        }
    }

    /// The path the server sees.
    pub fn inner_path(&self) -> String {
        self.inner().path()
    }

    /// How the route maps paths.
    pub fn mapping(&self) -> &'t Mapping {
        self.mapping
    }

    fn is_same_place(&self, other: &Judged<'_, '_, R>) -> bool {
        (self.index, self.server, self.public_prefix)
            == (other.index, other.server, other.public_prefix)
    }
}

/// Whether every server reads this path as it is.
pub fn is_plain(path: &str) -> bool {
    matches!(scan(path), Ok(Shape::Plain))
}

/// Every text that a server could read this path as, beginning with the path itself. `None` for a path that [`judge`] refuses
/// whatever it leads to.
pub fn texts(path: &str) -> Option<Vec<String>> {
    scan(path).ok()?;
    let mut texts = Vec::new();
    every_reading(path, |reading| {
        texts.push(reading.text().to_owned());
        Ok(())
    })
    .ok()?;
    Some(texts)
}

/// Finds the one route a path leads to, or says why it is refused.
///
/// `raw_path` is the request's path in its original bytes: origin form, without query, at most
/// [`MAX_PATH_BYTES`] long.
///
/// Errors: 400 for [`PathRefusal::Bad`] and [`PathRefusal::Ambiguous`], 404 for the others.
pub fn judge<'t, 'p, R: Exposes>(
    table: &'t RouteTable<R>,
    raw_path: &'p str,
) -> Result<Judged<'t, 'p, R>, PathRefusal> {
    match scan(raw_path)? {
        Shape::Plain => place(table, raw_path).map_err(PathRefusal::from),
        Shape::ManyReadings => judge_every_reading(table, raw_path),
    }
}

/// [`judge`] without the shortcut for plain paths.
fn judge_every_reading<'t, 'p, R: Exposes>(
    table: &'t RouteTable<R>,
    raw_path: &'p str,
) -> Result<Judged<'t, 'p, R>, PathRefusal> {
    let as_written = place(table, raw_path);
    every_reading(raw_path, |reading| {
        agree(&as_written, place(table, reading.text()))
    })
    .map_err(|stop| refuse(stop, Seen::Client, as_written.as_ref().err()))?;
    let judged = as_written?;

    // SECURITY: the server resolves dots against its own root, not against the public one.
    every_reading(&judged.inner_path(), |reading| {
        stays_exposed(judged.mapping, reading)
    })
    .map_err(|stop| refuse(stop, Seen::Server, None))?;
    Ok(judged)
}

/// Where a path leads if it is read exactly as it is.
fn place<'t, 'p, R: Exposes>(
    table: &'t RouteTable<R>,
    path: &'p str,
) -> Result<Judged<'t, 'p, R>, Nowhere> {
    let matched = match table.find(path) {
        Found::Route(matched) => matched,
        Found::UnknownServer { index, name } => {
            let name = name.to_owned();
            return Err(Nowhere::UnknownServer { route: index, name });
        }
        Found::Nothing => return Err(Nowhere::NoRoute),
    };
    let mapping = matched.route.mapping(matched.server);
    match mapping.apply(&matched) {
        Some(inner) if mapping.exposes_inner(&inner) => Ok(Judged {
            route: matched.route,
            index: matched.index,
            server: matched.server,
            public_prefix: inner.public_prefix,
            inner_prefix: inner.inner_prefix,
            rest: inner.rest,
            mapping,
        }),
        inner => Err(Nowhere::NotExposed {
            route: matched.index,
            pattern: matched.pattern.to_string(),
            inner: inner.map(|inner| inner.path()),
        }),
    }
}

/// A reading must lead where the path as written leads, or like it nowhere.
fn agree<R>(
    as_written: &Result<Judged<'_, '_, R>, Nowhere>,
    read: Result<Judged<'_, '_, R>, Nowhere>,
) -> Result<(), LeadsTo> {
    match (as_written, read) {
        (Ok(a), Ok(b)) if a.is_same_place(&b) => Ok(()),
        (Err(_), Err(_)) => Ok(()),
        (Ok(_), Err(nowhere)) => Err(LeadsTo::Nowhere(nowhere)),
        (_, Ok(elsewhere)) => Err(LeadsTo::Route {
            route: elsewhere.index,
            server: elsewhere.server,
            prefix: elsewhere.public_prefix.to_owned(),
        }),
    }
}

fn stays_exposed(mapping: &Mapping, reading: &Reading) -> Result<(), LeadsTo> {
    let text = reading.text();
    // SECURITY: `//name/` is another host to whoever takes the target for a URL reference (RFC 3986, 4.2), and comes
    // back as such in a redirect.
    if text.starts_with("//") || text.starts_with("/\\") {
        return Err(LeadsTo::OtherHost);
    }
    if mapping.exposes(text) {
        Ok(())
    } else {
        Err(LeadsTo::OutsideExposed)
    }
}

fn refuse(stop: Stop, seen: Seen, as_written: Option<&Nowhere>) -> PathRefusal {
    match stop {
        Stop::Unreadable(why) => PathRefusal::Bad(BadPath::Unreadable(why)),
        Stop::Astray { reading, why } => PathRefusal::Ambiguous(Box::new(Ambiguity {
            seen,
            as_written: as_written.cloned(),
            steps: reading.steps().to_vec(),
            reads: reading.text().to_owned(),
            leads_to: why,
        })),
    }
}
