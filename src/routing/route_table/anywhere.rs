//! Routes of the form `/**/api/{server}/`: PureConnect's published rule `(?:^(.*/)api|^api)/([^/]+)(/.*)`, in which
//! the greedy first group makes the last `/api/<name>/` count (reference of the vendor's IIS rule set, 2.2).
//!
//! `/apps/client/api/icserver1/icws/connection` is cut after `icserver1/`. What stands before the marker must be
//! plain segments: there is nothing written out to compare it with.

use super::Claim;
use super::names::ServerNames;
use super::packed::{NameList, Packed};
use crate::routing::pattern::is_plain_segment;

/// All routes with the same segment before `{server}`, while a table is built.
#[derive(Debug)]
pub(super) struct Anywhere<'s> {
    pub(super) marker: &'s str,
    pub(super) names: ServerNames,
}

impl<'s> Anywhere<'s> {
    /// The entry for `marker`, made if need be.
    pub(super) fn below<'a>(list: &'a mut Vec<Self>, marker: &'s str) -> &'a mut Self {
        let at = match list.iter().position(|a| a.marker == marker) {
            Some(at) => at,
            None => {
                list.push(Anywhere {
                    marker,
                    names: ServerNames::default(),
                });
                list.len() - 1
            }
        };
        // `at` was found or filled just above, so it is inside.
        &mut list[at]
    }
}

/// The last `/marker/name/` with a known name; if there is none, the last with an unknown one.
pub(super) fn find<'p>(
    packed: &Packed,
    marker: &str,
    names: NameList,
    path: &'p str,
) -> Option<Claim<'p>> {
    let mut unknown = None;
    // PERF: from the right, so that what stands before a marker is looked at only if there is one, and then once:
    // a path of nothing but markers must not cost the square of its length.
    let mut plain = None;
    let (mut left, _) = path.rsplit_once('/')?;
    while let Some((before, name)) = left.rsplit_once('/') {
        if let Some(leading) = before.strip_suffix(marker)
            && leading.ends_with('/')
            && leading.len() <= *plain.get_or_insert_with(|| plain_length(path))
            && !name.is_empty()
        {
            match packed.server(names, name) {
                Some((route, server)) => {
                    let length = left.len() + 1;
                    return Some(Claim::route(length, length, route, Some(server)));
                }
                None => {
                    unknown = unknown.or(Some(Claim::Unknown {
                        length: before.len() + 1,
                        route: names.unknown as usize,
                        name,
                    }));
                }
            }
        }
        left = before;
    }
    unknown
}

/// How much of the path, up to a slash, consists of plain segments.
fn plain_length(path: &str) -> usize {
    let mut rest = path.strip_prefix('/').unwrap_or_default();
    while let Some((segment, below)) = rest.split_once('/')
        && is_plain_segment(segment)
    {
        rest = below;
    }
    path.len() - rest.len()
}
