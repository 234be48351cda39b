//! The largest configuration that is promised to be reloaded within a fifth of a second: ten thousand hosts with ten routes each.
//!
//! ```no_run
//! let large = loadtest::large::Large::in_folder(std::path::Path::new("/tmp/large"))?;
//! std::fs::write("/tmp/large/portcullis.yaml", large.text(loadtest::large::Variant::First))?;
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use crate::wire::Authority;

/// Servers behind the routes; hosts name each many times.
const SERVERS: usize = 200;

/// What their certificate is for.
pub(crate) const HOSTS: &str = "*.contact-center.example.com";

/// How much a text differs from the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// The text that the others are compared with.
    First,
    /// One route of one host leads to another server.
    OneRoute,
    /// A route of every host leads to another server.
    EveryHost,
    /// Every server has another port, so that nothing at all stays what it was.
    Everything,
}

/// A large configuration.
pub struct Large {
    hosts: usize,
    routes: usize,
    /// One more host, and the server behind its `/web/`.
    watched: Option<(&'static str, SocketAddr)>,
}

impl Default for Large {
    /// Ten thousand hosts. The certificate, `edge.pem` and `edge.key`, is whatever lies beside the file.
    fn default() -> Large {
        Large {
            hosts: 10_000,
            routes: 10,
            watched: None,
        }
    }
}

impl Large {
    /// Ten thousand hosts, with their certificate in this folder.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn in_folder(folder: &Path) -> io::Result<Large> {
        let authority = Authority::new("large")?;
        let identity = authority.issue(&[HOSTS])?;
        std::fs::write(folder.join("edge.pem"), &identity.certificate_pem)?;
        std::fs::write(folder.join("edge.key"), &identity.key_pem)?;
        Ok(Large::default())
    }

    /// The same with so many hosts.
    pub fn hosts(self, hosts: usize) -> Large {
        Large { hosts, ..self }
    }

    /// The same with one more host, whose `/web/` leads to a server that is there.
    pub fn with(self, host: &'static str, server: SocketAddr) -> Large {
        let watched = Some((host, server));
        Large { watched, ..self }
    }

    /// The text of the file.
    pub fn text(&self, variant: Variant) -> String {
        let mut text = String::with_capacity(self.hosts * (self.routes * 56 + 48) + 20_000);
        text.push_str(
            "admin: { listen: 127.0.0.1:0 }\nlisteners:\n  - { listen: 127.0.0.1:0, tls: {} }\n  - { listen: 127.0.0.1:0 }\n\
             tls:\n  certificates:\n    - { cert: edge.pem, key: edge.key }\nservers:\n",
        );
        let port = if variant == Variant::Everything {
            8028
        } else {
            8018
        };
        for server in 0..SERVERS {
            let _ = writeln!(
                text,
                "  icserver{server}: {{ kind: icws, url: http://127.9.{}.{}:{port}, pair: pair{} }}",
                server / 250,
                server % 250 + 1,
                server / 2
            );
        }
        if let Some((host, server)) = self.watched {
            let _ = writeln!(
                text,
                "  web: {{ kind: http, url: 'http://{server}' }}\nhosts:\n  {host}: {{ routes: [{{ path: /web/, server: web }}] }}"
            );
        } else {
            text.push_str("hosts:\n");
        }
        for host in 0..self.hosts {
            self.host(host, variant, &mut text);
        }
        text
    }

    fn host(&self, host: usize, variant: Variant, text: &mut String) {
        let _ = writeln!(text, "  proxy{host}.contact-center.example.com:");
        text.push_str("    routes:\n");
        let (a, b) = (host % SERVERS, (host + 1) % SERVERS);
        let _ = writeln!(
            text,
            "      - {{ path: \"/apps/client/api/{{server}}/\", servers: [icserver{a}, icserver{b}] }}"
        );
        for route in 1..self.routes {
            let other = match variant {
                Variant::First => false,
                Variant::OneRoute => host == self.hosts / 2 && route == 1,
                Variant::EveryHost | Variant::Everything => route == 1,
            };
            let server = (host + route + usize::from(other)) % SERVERS;
            let _ = writeln!(
                text,
                "      - {{ path: /us/place{route}/, server: icserver{server} }}"
            );
        }
    }
}
