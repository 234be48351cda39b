//! A route's mapping and its inverse: what changes in a message on its way through the gateway, and nothing else.
//!
//! A route hides a server's paths behind a public prefix. On the way in the request path goes through [`PathMap::map`]; on the
//! way back whatever names a path of the server goes through the inverse: the Path of a cookie ([`CookieRewrite`]), a redirect
//! ([`LocationRewrite`]). All of it is pure, works on bytes as they came, and allocates only when something changes.
//!
//! ```
//! use portcullis::rewrite::{PathMap, Scope};
//! let icws = PathMap::new("/us/icserver1/", "/", Scope::Below("/icws")).expect("both prefixes are well formed");
//! assert_eq!(icws.map("/us/icserver1/icws/1234/status").as_deref(), Some("/icws/1234/status"));
//! assert_eq!(icws.unmap(b"/icws/1234").map(|p| p.to_vec()), Some(b"/us/icserver1/icws/1234".to_vec()));
//! assert!(icws.unmap(b"/other").is_none());
//! ```

mod cookies;
mod forwarded;
mod location;
mod mapping;
mod origin;
mod set_cookie;
mod splice;

pub use cookies::{join_cookies, joined_cookies};
pub use forwarded::{
    ForwardingHeaders, MAX_HOPS, client_address, dropped_from_untrusted, forwarded_for,
    names_a_method, original_url,
};
pub use location::LocationRewrite;
pub use mapping::{PathMap, PathMapError, Scope, Unmapped};
pub use origin::{Origin, OriginError, PublicOrigin, Scheme};
pub use set_cookie::{CookieRewrite, Secure};
