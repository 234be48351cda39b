//! Names of servers become addresses in the background: never on the path of a request.
//!
//! A [`Resolver`] lives as long as the process. Each name that a snapshot uses is looked up at once and then again every
//! half minute; the last good answer stands while the name server is silent. A name no snapshot uses any more is forgotten.
//! A snapshot goes into force when its names have been looked up once ([`Resolver::settled`]), or did not answer in time.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let resolver = portcullis::upstream::Resolver::default();
//! let addresses = resolver.follow("127.0.0.1", 8018);
//! assert_eq!(addresses.first().unwrap().to_string(), "127.0.0.1:8018");
//! # });
//! ```

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use log::{info, warn};
use tokio::sync::watch;

/// How often a name is looked up again. The system's resolver does not tell a record's time to live.
const EVERY: Duration = Duration::from_secs(30);
/// How soon a name without any address is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// The longest one look-up may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where one server can be reached right now.
#[derive(Debug)]
pub struct Addresses {
    known: ArcSwap<Vec<SocketAddr>>,
    preferred: AtomicUsize,
    /// Whether the first look-up is over, well or not.
    looked_up: watch::Sender<bool>,
}

impl Addresses {
    fn of(known: Vec<SocketAddr>) -> Self {
        Addresses {
            looked_up: watch::Sender::new(!known.is_empty()),
            known: ArcSwap::from_pointee(known),
            preferred: AtomicUsize::new(0),
        }
    }

    /// The address to try first, `None` while the name has not resolved.
    pub fn first(&self) -> Option<SocketAddr> {
        let known = self.known.load();
        let at = self.preferred.load(Ordering::Relaxed);
        known.get(at).or_else(|| known.first()).copied()
    }

    /// Whether this is one of them, whatever the port.
    pub fn contains(&self, address: IpAddr) -> bool {
        let known = self.known.load();
        known
            .iter()
            .any(|known| known.ip().to_canonical() == address)
    }

    /// How many addresses the name has.
    pub fn count(&self) -> usize {
        self.known.load().len()
    }

    /// `failed` did not accept a connection: prefer the one after it from now on. One name of one server may have several
    /// addresses; going on to the next never leads to another server.
    pub fn avoid(&self, failed: SocketAddr) {
        let known = self.known.load();
        if let Some(at) = known.iter().position(|known| *known == failed) {
            self.preferred
                .store((at + 1) % known.len().max(1), Ordering::Relaxed);
        }
    }

    /// Puts a new answer in force. Returns whether it says anything new.
    pub(crate) fn replace(&self, mut fresh: Vec<SocketAddr>) -> bool {
        fresh.sort_unstable();
        fresh.dedup();
        if **self.known.load() == fresh {
            return false;
        }
        self.known.store(Arc::new(fresh));
        self.preferred.store(0, Ordering::Relaxed);
        true
    }
}

/// Follows the names of all servers.
#[derive(Debug, Default)]
pub struct Resolver {
    followed: Arc<Mutex<Followed>>,
}

type Followed = HashMap<(String, u16), Weak<Addresses>>;

impl Resolver {
    /// The addresses of `host`, shared by all who ask for the same name and port, and kept fresh while anyone holds them.
    /// An IP literal is its own address and starts no look-ups.
    ///
    /// Must be called inside a tokio runtime unless `host` is an IP literal.
    pub fn follow(&self, host: &str, port: u16) -> Arc<Addresses> {
        if let Ok(literal) = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>()
        {
            return Arc::new(Addresses::of(vec![SocketAddr::new(literal, port)]));
        }
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.to_owned(), port);
        if let Some(addresses) = followed.get(&key).and_then(Weak::upgrade) {
            return addresses;
        }
        let addresses = Arc::new(Addresses::of(Vec::new()));
        followed.insert(key, Arc::downgrade(&addresses));
        tokio::spawn(keep_fresh(
            host.to_owned(),
            port,
            Arc::downgrade(&addresses),
            addresses.looked_up.subscribe(),
            self.followed.clone(),
        ));
        addresses
    }

    /// Returns when every name that is followed now has been looked up once, at the latest after `patience`: whoever asks then gets
    /// an address, or the name has none.
    pub async fn settled(&self, patience: Duration) {
        let followed: Vec<_> = {
            let followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
            followed.values().filter_map(Weak::upgrade).collect()
        };
        let all = async {
            for addresses in followed {
                // The sender lives in what is held here, so the wait ends only with the look-up.
                let _ = addresses.looked_up.subscribe().wait_for(|&over| over).await;
            }
        };
        // Too slow a name server must not keep the gateway from serving everything else.
        let _ = tokio::time::timeout(patience, all).await;
    }
}

/// Looks `host` up until nobody holds its addresses any more, and forgets it then.
async fn keep_fresh(
    host: String,
    port: u16,
    addresses: Weak<Addresses>,
    mut held: watch::Receiver<bool>,
    followed: Arc<Mutex<Followed>>,
) {
    tokio::select! {
        () = look_up_again_and_again(&host, port, &addresses) => {}
        // The sender is a part of the addresses: it goes with the last who holds them.
        () = async { while held.changed().await.is_ok() {} } => {}
    }
    // PERF: each name leaves by itself. To look for those that have gone whenever one comes takes ten thousand names ten thousand looks.
    let mut followed = followed.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (host, port);
    // Somebody may have begun to follow the name anew.
    if followed
        .get(&key)
        .is_some_and(|other| other.ptr_eq(&addresses))
    {
        followed.remove(&key);
    }
}

async fn look_up_again_and_again(host: &str, port: u16, addresses: &Weak<Addresses>) {
    loop {
        let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host, port))).await;
        let Some(addresses) = addresses.upgrade() else {
            return;
        };
        match found {
            Ok(Ok(found)) => {
                let fresh: Vec<_> = found.collect();
                if !fresh.is_empty() && addresses.replace(fresh) {
                    info!("{host} resolves to {:?}", addresses.known.load());
                }
            }
            Ok(Err(error)) => warn!("{host} does not resolve: {error}; {}", fallback(&addresses)),
            Err(_) => warn!(
                "the look-up of {host} took longer than {PATIENCE:?}; {}",
                fallback(&addresses)
            ),
        }
        addresses.looked_up.send_replace(true);
        let pause = if addresses.count() == 0 { RETRY } else { EVERY };
        drop(addresses);
        tokio::time::sleep(pause).await;
    }
}

fn fallback(addresses: &Addresses) -> &'static str {
    if addresses.count() == 0 {
        "requests for it are answered 502"
    } else {
        "its last known addresses stay in use"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Addresses {
        Addresses::of(vec![
            "127.0.0.1:1".parse().unwrap(),
            "127.0.0.2:1".parse().unwrap(),
        ])
    }

    #[test]
    fn a_failed_address_is_avoided_until_the_next_one_fails_too() {
        let addresses = two();
        let first = addresses.first().unwrap();
        addresses.avoid(first);
        let second = addresses.first().unwrap();
        assert_ne!(first, second);
        addresses.avoid(second);
        assert_eq!(addresses.first(), Some(first));
    }

    #[test]
    fn the_same_answer_in_another_order_changes_nothing() {
        let addresses = two();
        addresses.avoid("127.0.0.1:1".parse().unwrap());
        let preferred = addresses.first();
        assert!(!addresses.replace(vec![
            "127.0.0.2:1".parse().unwrap(),
            "127.0.0.1:1".parse().unwrap()
        ]));
        assert_eq!(addresses.first(), preferred);
    }

    #[tokio::test]
    async fn a_settled_name_has_its_addresses_and_one_without_any_does_not_hold_the_rest_up() {
        let resolver = Resolver::default();
        let named = resolver.follow("localhost", 80);
        let unknown = resolver.follow("no-such-name.invalid", 80);
        resolver.settled(PATIENCE * 2).await;
        assert!(named.first().is_some());
        assert_eq!(unknown.first(), None);
    }

    #[tokio::test]
    async fn a_name_is_shared_while_it_is_held_and_forgotten_afterwards() {
        let resolver = Resolver::default();
        let held = resolver.follow("localhost", 80);
        assert!(Arc::ptr_eq(&held, &resolver.follow("localhost", 80)));
        drop(held);
        let forgotten = async {
            while !resolver.followed.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, forgotten).await.unwrap();
    }

    #[tokio::test]
    async fn a_name_that_is_followed_anew_at_once_is_not_forgotten_with_the_old() {
        let resolver = Resolver::default();
        for _ in 0..100 {
            drop(resolver.follow("localhost", 80));
            let held = resolver.follow("localhost", 80);
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            assert!(Arc::ptr_eq(&held, &resolver.follow("localhost", 80)));
        }
    }
}
