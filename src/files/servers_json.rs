//! `config/servers.json`: the list of servers that the supervisor's application asks for, made from the gateway's own allow-list.
//!
//! The application puts the chosen host into the template and appends `icws/connection` (help.genesys.com, "Configure server settings").
//! Made here, the list cannot name a server that the gateway would refuse.
//!
//! ```
//! use portcullis::files::ServersJson;
//! let list = ServersJson::new(&[("icserver1", "Server 1")], "https://proxy.example.com/apps/client/api/{host}/").expect("well formed");
//! assert_eq!(list.path(), "config/servers.json");
//! ```

use super::representation::{Content, Representation};
use bytes::Bytes;
use http::HeaderValue;
use serde_json::json;

/// Where the application looks for it, from its own base.
const DEFAULT_PATH: &str = "config/servers.json";

/// What the template holds in place of a server's name.
const PLACE: &str = "{host}";

/// A generated `servers.json`. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServersJson {
    path: Box<str>,
    body: Bytes,
    etag: Box<str>,
}

/// Why a list cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServersJsonError {
    /// The template does not have exactly one `{host}`, or is neither a URL nor a path from the root.
    #[error(
        "the template must be an http(s) URL or a path from the root, name `{{host}}` once and end with `/`"
    )]
    Template,
    /// A server's name cannot be a segment of a path.
    #[error("`{0}` cannot stand in a URL's path: use letters, digits, `.`, `-`, `_`, `~`")]
    Host(String),
    /// The path is not a plain one beneath the site's root.
    #[error("`{0}` is not a plain path beneath the root")]
    Path(String),
}

impl ServersJson {
    /// The list for `servers`, each with the name it has in the route and the name people read.
    ///
    /// # Errors
    /// [`ServersJsonError`] for a template or a name that would give addresses which do not work.
    pub fn new(
        servers: &[(&str, &str)],
        service_url_template: &str,
    ) -> Result<Self, ServersJsonError> {
        let template = service_url_template;
        let rooted = template.starts_with('/') && !template.starts_with("//");
        let absolute = ["http://", "https://"]
            .iter()
            .any(|scheme| template.starts_with(scheme));
        let plain = template.bytes().all(|b| {
            b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'?' | b'#')
        });
        if !(rooted || absolute)
            || !plain
            || !template.ends_with('/')
            || template.matches(PLACE).count() != 1
        {
            return Err(ServersJsonError::Template);
        }
        for (host, _) in servers {
            let plain = host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'~'));
            if !plain || matches!(*host, "" | "." | "..") {
                return Err(ServersJsonError::Host((*host).to_owned()));
            }
        }
        let servers: Vec<_> = servers
            .iter()
            .map(|(host, name)| json!({ "host": host, "displayName": name }))
            .collect();
        let body =
            json!({ "version": 1, "servers": servers, "serviceUrlTemplate": template }).to_string();
        let etag = format!("\"{:x}-{:016x}\"", body.len(), fnv1a(body.as_bytes()));
        Ok(ServersJson {
            path: DEFAULT_PATH.into(),
            body: body.into(),
            etag: etag.into(),
        })
    }

    /// The same list at another path beneath the site's root, such as `supervisor/config/servers.json`.
    ///
    /// # Errors
    /// [`ServersJsonError::Path`] when the path has a slash at either end, an empty or dot segment, or characters that a URL would encode.
    pub fn at(self, path: &str) -> Result<Self, ServersJsonError> {
        match super::name::Target::parse(path) {
            Ok(target) if target.is_file(path) && !path.contains('%') => Ok(ServersJson {
                path: path.into(),
                ..self
            }),
            _ => Err(ServersJsonError::Path(path.to_owned())),
        }
    }

    /// Where it is served, beneath the site's root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The JSON itself.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    pub(super) fn representation(&self) -> Representation {
        Representation {
            media_type: HeaderValue::from_static("application/json"),
            etag: self.etag.to_string(),
            modified: None,
            length: self.body.len() as u64,
            encoding: None,
            varies: false,
            content: Content::Bytes(self.body.clone()),
        }
    }
}

/// FNV-1a: the list comes from the operator's own file, so nobody gains from two lists with one tag, and the tag is the same on
/// every gateway and in every release.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "https://reverse-proxy/internal/api/{host}/";

    #[test]
    fn the_list_is_the_vendors_to_the_byte() {
        let list = ServersJson::new(&[("server1.company.local", "Server 1")], TEMPLATE).unwrap();
        assert_eq!(
            list.body(),
            r#"{"version":1,"servers":[{"host":"server1.company.local","displayName":"Server 1"}],"serviceUrlTemplate":"https://reverse-proxy/internal/api/{host}/"}"#
        );
        assert_ne!(list.etag, ServersJson::new(&[], TEMPLATE).unwrap().etag);
        assert_eq!(
            list,
            ServersJson::new(&[("server1.company.local", "Server 1")], TEMPLATE).unwrap()
        );
    }

    #[test]
    fn a_name_for_people_may_hold_anything() {
        let list = ServersJson::new(&[("a", "\"</script>\u{0}ä")], "/api/{host}/").unwrap();
        let read: serde_json::Value = serde_json::from_slice(list.body()).unwrap();
        assert_eq!(read["servers"][0]["displayName"], "\"</script>\u{0}ä");
    }

    #[test]
    fn what_would_give_addresses_that_do_not_work_is_refused() {
        for template in [
            "",
            "api/{host}/",
            "//evil/{host}/",
            "/api/{host}",
            "/api/",
            "/{host}/{host}/",
            "ftp://x/{host}/",
            "/a b/{host}/",
            "/{host}/?x/",
            "/\n{host}/",
        ] {
            assert_eq!(
                ServersJson::new(&[], template),
                Err(ServersJsonError::Template),
                "{template:?}"
            );
        }
        for host in ["", ".", "..", "a/b", "a%2f", "a b", "ä", "a;b"] {
            assert_eq!(
                ServersJson::new(&[(host, "x")], TEMPLATE),
                Err(ServersJsonError::Host(host.to_owned()))
            );
        }
        let list = ServersJson::new(&[], TEMPLATE).unwrap();
        for path in [
            "",
            "/config/servers.json",
            "config/",
            "../servers.json",
            "a//b",
            "a%20b",
            ".git/x",
            "a?b",
        ] {
            assert_eq!(
                list.clone().at(path),
                Err(ServersJsonError::Path(path.to_owned())),
                "{path:?}"
            );
        }
        assert_eq!(
            list.at("supervisor/config/servers.json").unwrap().path(),
            "supervisor/config/servers.json"
        );
    }
}
