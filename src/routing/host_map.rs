//! The host map: which entry of the file a connection's host name and listener stand for.
//!
//! `name` stands for that name on every listener, `name:port` for that name on the listener with that port only,
//! and the more specific wins. The port is the *listener's*. The port a client writes into `Host` must be a valid
//! one and is otherwise ignored: behind a port mapping (public 443, listener 8443) it names the outer port and
//! differs legitimately, and it must not let a client choose an entry that its listener does not serve.
//!
//! ```
//! use portcullis::routing::{HostError, HostMap};
//!
//! let map = HostMap::build(vec![
//!     ("finesse1.example.com".parse()?, "finesse"),
//!     ("finesse1.example.com:8444".parse()?, "cuic"),
//! ]).map_err(|e| e[0].clone())?;
//! assert_eq!(map.find("finesse1.example.com", 443), Ok(&"finesse"));
//! assert_eq!(map.find("FINESSE1.example.com:8444", 8444), Ok(&"cuic"));
//! assert_eq!(map.find("other.example.com", 443), Err(HostError::Unknown));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::HashMap;
use std::net::Ipv6Addr;

use super::host_name::{BadHost, Host, HostKey, OwnedHost, fold_name, parse_authority};

/// Host names and addresses with what the file says about them. Built once, then only read.
#[derive(Debug)]
pub struct HostMap<T> {
    names: HashMap<Box<str>, Entry<T>>,
    v6: HashMap<Ipv6Addr, Entry<T>>,
}

/// All that the file says about one name. PERF: kept together so that one hash lookup serves every candidate.
#[derive(Debug)]
struct Entry<T> {
    every_listener: Option<T>,
    by_port: Vec<(u16, T)>,
}

/// Why a host leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Not a host at all: 400.
    #[error(transparent)]
    Bad(#[from] BadHost),
    /// A well-formed host that the file does not name for this listener.
    #[error("the host is not in the host map for this listener")]
    Unknown,
}

/// Two entries for the same host and port, by their positions in the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is in the host map twice; write all its routes under one entry")]
pub struct DuplicateHost {
    /// The host, as it is looked up.
    pub key: HostKey,
    /// Position of the entry that came first.
    pub first: usize,
    /// Position of the entry that repeats it.
    pub second: usize,
}

impl<T> HostMap<T> {
    /// Compiles the map. Errors: every repeated host, each with both positions.
    pub fn build(entries: Vec<(HostKey, T)>) -> Result<Self, Vec<DuplicateHost>> {
        let mut first_at: HashMap<&HostKey, usize> = HashMap::with_capacity(entries.len());
        let mut duplicates = Vec::new();
        for (second, (key, _)) in entries.iter().enumerate() {
            let first = *first_at.entry(key).or_insert(second);
            if first != second {
                let key = key.clone();
                duplicates.push(DuplicateHost { key, first, second });
            }
        }
        if !duplicates.is_empty() {
            return Err(duplicates);
        }
        let mut map = Self {
            names: HashMap::with_capacity(entries.len()),
            v6: HashMap::new(),
        };
        for (key, value) in entries {
            let entry = match key.host {
                OwnedHost::Name(name) => map.names.entry(name).or_default(),
                OwnedHost::V6(address) => map.v6.entry(address).or_default(),
            };
            match key.port {
                Some(port) => entry.by_port.push((port, value)),
                None => entry.every_listener = Some(value),
            }
        }
        Ok(map)
    }

    /// Drops everything, a few names at a time, so that whoever serves clients comes in between.
    pub(crate) fn give_back(self) {
        for (at, entry) in self.names.into_values().enumerate() {
            if at.is_multiple_of(16) {
                std::thread::yield_now();
            }
            drop(entry);
        }
    }

    /// Every value, in no order.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        let entries = self.names.values().chain(self.v6.values());
        entries.flat_map(|entry| {
            let by_port = entry.by_port.iter().map(|(_, value)| value);
            entry.every_listener.iter().chain(by_port)
        })
    }

    /// The entry that was built from this key.
    pub fn get(&self, key: &HostKey) -> Option<&T> {
        let entry = match &key.host {
            OwnedHost::Name(name) => self.names.get(name)?,
            OwnedHost::V6(address) => self.v6.get(address)?,
        };
        match key.port {
            None => entry.every_listener.as_ref(),
            Some(port) => {
                let mut by_port = entry.by_port.iter();
                by_port
                    .find(|(other, _)| *other == port)
                    .map(|(_, value)| value)
            }
        }
    }

    /// Looks up a client's `Host` or `:authority` for the listener with `listener_port`.
    ///
    /// One final dot and any port from 1 to 65535 are accepted; letters match in any case.
    /// Errors: [`HostError::Bad`] for text that is no host (400), [`HostError::Unknown`] for one not in the file.
    pub fn find(&self, host_header: &str, listener_port: u16) -> Result<&T, HostError> {
        let mut buffer = [0; 255];
        let (host, _written_port) = parse_authority(host_header, &mut buffer)?;
        let entry = match host {
            Host::Name(name) => self.names.get(name),
            Host::V6(address) => self.v6.get(&address),
        };
        entry
            .and_then(|entry| entry.on(listener_port))
            .ok_or(HostError::Unknown)
    }

    /// Looks up a TLS server name (SNI; RFC 6066, 3: a name without port, in any case).
    pub fn find_name(&self, name: &str, listener_port: u16) -> Option<&T> {
        let mut buffer = [0; 255];
        let name = fold_name(name, &mut buffer).ok()?;
        self.names.get(name)?.on(listener_port)
    }
}

impl<T> Entry<T> {
    fn on(&self, listener_port: u16) -> Option<&T> {
        self.by_port
            .iter()
            .find(|(port, _)| *port == listener_port)
            .map(|(_, value)| value)
            .or(self.every_listener.as_ref())
    }
}

impl<T> Default for HostMap<T> {
    fn default() -> Self {
        HostMap {
            names: HashMap::new(),
            v6: HashMap::new(),
        }
    }
}

impl<T> Default for Entry<T> {
    fn default() -> Self {
        Self {
            every_listener: None,
            by_port: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(keys: &[&'static str]) -> HostMap<&'static str> {
        let entries = keys.iter().map(|&k| (k.parse().unwrap(), k)).collect();
        HostMap::build(entries).unwrap()
    }

    #[test]
    fn the_listeners_port_decides_and_the_more_specific_entry_wins() {
        let map = map(&["a.com", "a.com:8444", "b.com:8444", "[::1]", "192.0.2.1:80"]);
        for (host, listener, found) in [
            ("a.com", 443, Ok(&"a.com")),
            ("a.com", 8444, Ok(&"a.com:8444")),
            ("A.COM.", 8444, Ok(&"a.com:8444")),
            ("a.com:8444", 443, Ok(&"a.com")),
            ("a.com:443", 8444, Ok(&"a.com:8444")),
            ("b.com", 8444, Ok(&"b.com:8444")),
            ("b.com:8444", 443, Err(HostError::Unknown)),
            ("c.com", 443, Err(HostError::Unknown)),
            ("www.a.com", 443, Err(HostError::Unknown)),
            ("[0:0:0:0:0:0:0:1]:99", 443, Ok(&"[::1]")),
            ("[::2]", 443, Err(HostError::Unknown)),
            ("192.0.2.1", 80, Ok(&"192.0.2.1:80")),
            ("192.0.2.1", 443, Err(HostError::Unknown)),
            ("x@a.com", 443, Err(HostError::Bad(BadHost::BadByte))),
        ] {
            assert_eq!(map.find(host, listener), found, "{host} on {listener}");
        }
    }

    #[test]
    fn a_server_name_is_found_in_any_case_and_never_with_a_port() {
        let map = map(&["a.com", "a.com:8444"]);
        assert_eq!(map.find_name("A.com", 443), Some(&"a.com"));
        assert_eq!(map.find_name("a.com", 8444), Some(&"a.com:8444"));
        assert_eq!(map.find_name("a.com:8444", 8444), None);
        assert_eq!(map.find_name("", 443), None);
    }

    #[test]
    fn every_repeated_host_is_reported_with_both_places() {
        let keys = ["a.com", "A.com", "b.com:1", "[::1]", "[0::1]", "b.com"];
        let entries = keys.iter().map(|k| (k.parse().unwrap(), ())).collect();
        let duplicates = HostMap::build(entries).unwrap_err();
        let places: Vec<_> = duplicates.iter().map(|d| (d.first, d.second)).collect();
        assert_eq!(places, [(0, 1), (3, 4)]);
    }
}
