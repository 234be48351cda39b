//! Routes of the form `/**/api/{server}/`: PureConnect's published rule `(?:^(.*/)api|^api)/([^/]+)(/.*)`, in which
//! the greedy first group makes the last `/api/<name>/` count (reference of the vendor's IIS rule set, 2.2).
//!
//! `/apps/client/api/icserver1/icws/connection` is cut after `icserver1/`. What stands before the marker must be
//! plain segments: there is nothing written out to compare it with.

use super::Claim;
use super::names::ServerNames;
use super::tree::claim;
use crate::routing::pattern::is_plain_segment;

/// All routes with the same segment before `{server}`.
#[derive(Debug)]
pub(super) struct Anywhere {
    marker: Box<str>,
    pub(super) names: ServerNames,
}

impl Anywhere {
    /// The entry for `marker`, made if need be.
    pub(super) fn below<'a>(list: &'a mut Vec<Anywhere>, marker: &str) -> &'a mut Anywhere {
        let at = match list.iter().position(|a| *a.marker == *marker) {
            Some(at) => at,
            None => {
                list.push(Anywhere {
                    marker: marker.into(),
                    names: ServerNames::default(),
                });
                list.len() - 1
            }
        };
        // `at` was found or filled just above, so it is inside.
        &mut list[at]
    }

    /// The last `/marker/name/` with a known name; if there is none, the last with an unknown one.
    pub(super) fn find<'p>(&self, path: &'p str) -> Option<Claim<'p>> {
        let mut known = None;
        let mut unknown = None;
        let mut rest = path.strip_prefix('/')?;
        while let Some((segment, below)) = rest.split_once('/') {
            if !is_plain_segment(segment) {
                break;
            }
            if *segment == *self.marker
                && let Some((name, after)) = below.split_once('/')
                && !name.is_empty()
            {
                match self.names.find(name) {
                    Some((route, server)) => {
                        let length = path.len() - after.len();
                        known = Some(claim(length, length, route, Some(server)));
                    }
                    None => {
                        unknown = Some(Claim::Unknown {
                            length: path.len() - below.len(),
                            route: self.names.first_route(),
                            name,
                        });
                    }
                }
            }
            rest = below;
        }
        known.or(unknown)
    }
}
