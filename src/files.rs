//! Static files: the vendors' web applications, served from a directory and from nowhere else.
//!
//! A name is decoded once, strictly, and looked up by the kernel beneath the site's root, so neither an encoding nor a link leads out of
//! it. What is meant for the server and not for the browser (dot-files, `web.config`, backups, program sources) is not there for a
//! client. Validators, ranges and precompressed variants follow RFC 9110; cache times follow the vendor unless the file says otherwise.
//!
//! ```no_run
//! use portcullis::files::{Site, SiteRules};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let site = Site::open("/srv/www/I3Root".into(), SiteRules::default())?;
//! let mut answer = site.answer(&http::Method::GET, "client/index.html", &http::HeaderMap::new()).await;
//! while let Some(chunk) = answer.body.next_chunk().await? { /* send it */ }
//! # Ok(()) }
//! ```

mod answer;
mod cache;
mod conditional;
mod encoding;
mod lookup;
mod media_type;
mod name;
mod range;
mod representation;
mod root;
mod servers_json;
mod validator;

pub use answer::{Answer, Body, Refusal};
pub use cache::{Cache, CachePattern, CachePatternError, CacheRule};
pub use servers_json::{ServersJson, ServersJsonError};

use crate::observe::line::Quoted;
use http::Method;
use http::header::{self, HeaderMap, HeaderName};
use lookup::{Found, find};
use name::{NameError, Target};
use root::Root;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The request headers that decide about an answer; no other is looked at.
const ASKED: [HeaderName; 7] = [
    header::ACCEPT_ENCODING,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::IF_RANGE,
    header::RANGE,
];

/// What a site serves apart from the files below its root.
#[derive(Debug, Clone, Default)]
pub struct SiteRules {
    /// Cache rules, looked at in order before the vendor's own; the first that matches counts.
    pub cache: Vec<CacheRule>,
    /// A server list made by the gateway, served in place of a file.
    pub servers_json: Option<ServersJson>,
}

/// Why a directory cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The root cannot be opened as a directory.
    #[error("the directory {root} cannot be served: {source}")]
    Root {
        /// The root as it was given.
        root: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// A directory that is served. Cloning is cheap.
///
/// The root is looked up anew for every request, so a deployment that swaps a symbolic link takes effect at once.
#[derive(Debug, Clone)]
pub struct Site {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: Root,
    rules: SiteRules,
}

impl Site {
    /// A site for the directory `root`. A relative path is taken from the current directory, now.
    ///
    /// # Errors
    /// [`SiteError`] when the root is not a directory that can be opened.
    pub fn open(root: PathBuf, rules: SiteRules) -> Result<Self, SiteError> {
        match Root::open(&root) {
            Ok(root) => Ok(Site {
                inner: Arc::new(Inner { root, rules }),
            }),
            Err(source) => Err(SiteError::Root { root, source }),
        }
    }

    /// The answer to one request.
    ///
    /// `path` is what follows the route's prefix (which ends with a slash) as the client sent it: percent-encoded, with its query if
    /// it has one, and without a slash at its front. The disk is asked on a blocking thread, never on the runtime's own.
    pub async fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Answer {
        if method != Method::GET && method != Method::HEAD {
            return Answer::refuse(Refusal::Method);
        }
        let head = method == Method::HEAD;
        let target = match Target::parse(path) {
            Ok(target) => target,
            Err(NameError::Malformed) => return Answer::refuse(Refusal::Malformed),
            Err(NameError::Hidden) => return Answer::refuse(Refusal::Hidden),
        };
        if let Some(list) = &self.inner.rules.servers_json
            && target.is_file(list.path())
        {
            return list.representation().answer(
                head,
                headers,
                self.inner.rules.cache_for_list(list.path()),
            );
        }
        let asked = asked(headers);
        let inner = Arc::clone(&self.inner);
        let answer = tokio::task::spawn_blocking(move || inner.answer(&target, head, &asked)).await;
        answer.unwrap_or_else(|_| Answer::refuse(Refusal::Disk))
    }
}

impl Site {
    /// The name beneath the root of the file that would answer `path` (as in [`Site::answer`]), for `explain`. Blocks on the disk.
    /// `None` where there is no such file.
    pub fn name_of(&self, path: &str) -> Option<String> {
        let target = Target::parse(path).ok()?;
        let list = self.inner.rules.servers_json.as_ref();
        if let Some(list) = list.filter(|list| target.is_file(list.path())) {
            return Some(list.path().to_owned());
        }
        match find(&self.inner.root, &target, &HeaderMap::new()).ok()? {
            Found::File { name, .. } => Some(name),
            Found::Directory | Found::Nothing => None,
        }
    }

    /// Whether the gateway makes the file with this name itself.
    pub fn makes(&self, name: &str) -> bool {
        let list = self.inner.rules.servers_json.as_ref();
        list.is_some_and(|list| list.path() == name)
    }
}

impl Inner {
    /// The part of the work that waits for the disk.
    fn answer(&self, target: &Target, head: bool, asked: &HeaderMap) -> Answer {
        match find(&self.root, target, asked) {
            Ok(Found::File {
                name,
                representation,
            }) => representation.answer(head, asked, self.rules.cache_for(&name)),
            Ok(Found::Directory) => match target.with_slash() {
                Some(location) => Answer::redirect(location),
                None => Answer::refuse(Refusal::Malformed),
            },
            Ok(Found::Nothing) => Answer::refuse(Refusal::Missing),
            Err(error) => {
                log::warn!(
                    "the file {} cannot be served: {error}",
                    Quoted(target.name())
                );
                Answer::refuse(Refusal::Disk)
            }
        }
    }
}

impl SiteRules {
    fn cache_for(&self, name: &str) -> Cache {
        self.own(name).unwrap_or_else(|| cache::vendor(name))
    }

    /// The server list is never kept, wherever it is, unless the operator says so.
    fn cache_for_list(&self, name: &str) -> Cache {
        self.own(name).unwrap_or(Cache::Never)
    }

    fn own(&self, name: &str) -> Option<Cache> {
        cache::first_match(&self.cache, name)
    }
}

fn asked(headers: &HeaderMap) -> HeaderMap {
    let mut asked = HeaderMap::new();
    for name in &ASKED {
        for value in headers.get_all(name) {
            asked.append(name, value.clone());
        }
    }
    asked
}

#[cfg(test)]
mod tests;
