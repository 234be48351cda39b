//! From a request to the one server that may see it, or to the reason why none may.
//!
//! Three steps, each a table compiled once from the file and only read afterwards:
//!
//! 1. [`HostMap`]: the `Host` (or `:authority`) and the listener's port name a host of the file.
//! 2. [`RouteTable`]: of that host's routes the longest that matches the path wins.
//! 3. [`judge`]: the path is let through only if every way in which a server could read it leads to
//!    that same route and to something the route's [`Mapping`] exposes.
//!
//! ```
//! use portcullis::routing::{Exposed, ExposedPath, Exposes, HostMap, Mapping, RouteSpec, RouteTable, judge};
//!
//! struct Icws(Mapping);
//! impl Exposes for Icws {
//!     fn mapping(&self, _server: Option<usize>) -> &Mapping {
//!         &self.0
//!     }
//! }
//!
//! let route = Icws(Mapping::from_segment("icws", Exposed::Only(vec![ExposedPath::any_case("/icws/".parse()?)])));
//! let routes = RouteTable::build(vec![RouteSpec::to_one("/us/icserver1/".parse()?, route)]).map_err(|e| e[0].clone())?;
//! let hosts = HostMap::build(vec![("proxy.example.com".parse()?, routes)]).map_err(|e| e[0].clone())?;
//!
//! let routes = hosts.find("Proxy.Example.com:443", 443)?;
//! let judged = judge(routes, "/us/icserver1/icws/connection")?;
//! assert_eq!(judged.public_prefix, "/us/icserver1/");
//! assert_eq!(judged.inner_path(), "/icws/connection");
//! assert!(judge(routes, "/us/icserver1/icws/%2e%2e/WebHTMLService/x").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod decide;
pub mod fail_over;
pub mod host_map;
pub mod host_name;
pub mod mapping;
pub mod path_safety;
pub mod pattern;
pub mod route_table;

pub use host_map::{DuplicateHost, HostError, HostMap};
pub use host_name::{BadHost, HostKey, HostKeyError};
pub use mapping::{Exposed, ExposedPath, Exposes, Inner, Mapping, Strip};
pub use path_safety::{Judged, MAX_PATH_BYTES, PathRefusal, judge};
pub use pattern::{LiteralPath, PathPattern, PatternError};
pub use route_table::{Found, Match, RouteConflict, RouteSpec, RouteTable};
