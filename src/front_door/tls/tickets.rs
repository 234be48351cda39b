//! Session ticket keys that outlive reloads.
//!
//! OpenSSL makes them with a context and its safe API cannot move them to another, so the contexts in which handshakes begin are kept
//! here, one for each set of rules, and made anew after half a day: tickets of the old keys then mean a full handshake, once.
//!
//! ```
//! use portcullis::front_door::tls::Tickets;
//! let tickets = Tickets::new(); // once per process, handed to every snapshot
//! # let _ = tickets;
//! ```

use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{NameType, SniError, Ssl, SslAlert, SslContext, SslRef};

use super::handshake::Greeting;
use super::{Rules, TlsError};

/// SECURITY: whoever learns a ticket key reads the sessions resumed under it.
const LIFE: Duration = Duration::from_secs(12 * 3600);
/// Sets of rules that are remembered; a file has one or two.
const KEPT: usize = 8;

/// The session ticket keys of the process.
pub struct Tickets {
    life: Duration,
    bases: RwLock<Vec<Base>>,
}

struct Base {
    rules: Rules,
    born: Instant,
    context: SslContext,
}

impl Tickets {
    /// New keys, made when first needed.
    pub fn new() -> Arc<Tickets> {
        Tickets::living(LIFE)
    }

    fn living(life: Duration) -> Arc<Tickets> {
        Arc::new(Tickets {
            life,
            bases: RwLock::default(),
        })
    }

    /// The context in which a handshake under these rules begins.
    pub(super) fn base(&self, rules: &Rules) -> Result<SslContext, TlsError> {
        let young = |base: &&Base| base.rules == *rules && base.born.elapsed() < self.life;
        let bases = self.bases.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(base) = bases.iter().find(young) {
            return Ok(base.context.clone());
        }
        drop(bases);
        let mut bases = self.bases.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(base) = bases.iter().find(young) {
            return Ok(base.context.clone());
        }
        let context = base_context(rules)?;
        bases.retain(|base| base.rules != *rules);
        if bases.len() == KEPT {
            bases.remove(0);
        }
        bases.push(Base {
            rules: rules.clone(),
            born: Instant::now(),
            context: context.clone(),
        });
        Ok(context)
    }
}

/// Where a connection carries its [`Greeting`].
pub(super) fn slot() -> Result<Index<Ssl, Arc<Greeting>>, ErrorStack> {
    static SLOT: OnceLock<Index<Ssl, Arc<Greeting>>> = OnceLock::new();
    if let Some(slot) = SLOT.get() {
        return Ok(*slot);
    }
    let made = Ssl::new_ex_index()?;
    Ok(*SLOT.get_or_init(|| made))
}

fn base_context(rules: &Rules) -> Result<SslContext, TlsError> {
    let slot = slot()?;
    let mut builder = rules.builder()?;
    builder.set_servername_callback(move |ssl, alert| {
        let context = ssl.ex_data(slot).cloned().and_then(|greeting| {
            let name = ssl.servername(NameType::HOST_NAME);
            greeting.choose(name)
        });
        let moved = context.is_some_and(|context| move_to(ssl, &context));
        if moved {
            return Ok(());
        }
        // RFC 6066 section 3. Fatal, before any certificate is shown.
        *alert = SslAlert::UNRECOGNIZED_NAME;
        Err(SniError::ALERT_FATAL)
    });
    Ok(builder.build().into_context())
}

fn move_to(ssl: &mut SslRef, context: &SslContext) -> bool {
    ssl.set_ssl_context(context).is_ok()
}

#[cfg(test)]
mod tests {
    use openssl::ssl::SslContextRef;

    use super::*;
    use crate::front_door::tls::MinVersion;

    fn rules(http2: bool) -> Rules {
        Rules {
            min_version: MinVersion::Tls12,
            ciphers: None,
            http2,
        }
    }

    /// OpenSSL's ticket keys belong to a context: the same object, the same keys.
    fn same(one: &SslContextRef, other: &SslContextRef) -> bool {
        std::ptr::eq(one, other)
    }

    #[test]
    fn equal_rules_share_keys_and_others_do_not() {
        let tickets = Tickets::new();
        let first = tickets.base(&rules(true)).expect("works");
        assert!(same(&first, &tickets.base(&rules(true)).expect("works")));
        assert!(!same(&first, &tickets.base(&rules(false)).expect("works")));
        assert!(same(&first, &tickets.base(&rules(true)).expect("works")));
    }

    #[test]
    fn keys_that_have_had_their_time_are_made_anew() {
        let tickets = Tickets::living(Duration::ZERO);
        let first = tickets.base(&rules(true)).expect("works");
        assert!(!same(&first, &tickets.base(&rules(true)).expect("works")));
        assert_eq!(
            tickets.bases.read().expect("no panic").len(),
            1,
            "the old ones are forgotten"
        );
    }

    #[test]
    fn no_more_than_a_few_sets_of_rules_are_remembered() {
        let tickets = Tickets::new();
        for name in [
            "AES128-GCM-SHA256",
            "AES256-GCM-SHA384",
            "CHACHA20-POLY1305",
        ] {
            for pair in [":ECDHE-RSA-AES128-SHA", ":ECDHE-RSA-AES256-SHA", ""] {
                let ciphers = Some(format!("ECDHE-RSA-{name}{pair}"));
                let rules = Rules {
                    ciphers,
                    ..rules(true)
                };
                tickets.base(&rules).expect("works");
            }
        }
        assert_eq!(tickets.bases.read().expect("no panic").len(), KEPT);
    }
}
