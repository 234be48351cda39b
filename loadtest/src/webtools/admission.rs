//! The denial-of-service limits of a simulated pair: may this visitor start one more chat or callback?
//!
//! ```
//! use std::time::{Duration, Instant};
//! use loadtest::webtools::{Burst, Window};
//! let limit = Burst { count: 2, per: Duration::from_secs(1) };
//! let (mut window, now) = (Window::default(), Instant::now());
//! assert!(window.has_room(limit, now));
//! window.take(now);
//! window.take(now);
//! assert!(!window.has_room(limit, now));
//! assert!(window.has_room(limit, now + Duration::from_secs(1)));
//! ```

use std::collections::VecDeque;
use std::time::Instant;

use super::params::{Burst, Parameters};
use super::truth::Kind;

/// Sliding window over admitted requests. The window style of the real server is unknown; this is the strictest reading
/// of "no more than a burst of 5 per 1 second".
#[derive(Clone, Debug, Default)]
pub struct Window(VecDeque<Instant>);

impl Window {
    /// Whether one more fits into the window that ends now.
    pub fn has_room(&mut self, limit: Burst, now: Instant) -> bool {
        while self
            .0
            .front()
            .is_some_and(|taken| now.saturating_duration_since(*taken) >= limit.per)
        {
            self.0.pop_front();
        }
        self.0.len() < limit.count
    }

    /// Counts one.
    pub fn take(&mut self, now: Instant) {
        self.0.push_back(now);
    }
}

/// The three burst windows.
#[derive(Clone, Debug, Default)]
pub struct Bursts {
    interactions: Window,
    chats: Window,
    callbacks: Window,
}

impl Bursts {
    /// Takes a place in the combined window and in that of the kind, or in neither.
    fn admit(&mut self, kind: Kind, parameters: &Parameters, now: Instant) -> bool {
        let (own, limit) = match kind {
            Kind::Chat => (&mut self.chats, parameters.chat_burst),
            Kind::Callback => (&mut self.callbacks, parameters.callback_burst),
        };
        let room = own.has_room(limit, now)
            && self
                .interactions
                .has_room(parameters.interaction_burst, now);
        if room {
            own.take(now);
            self.interactions.take(now);
        }
        room
    }
}

/// How many interactions are active now, as the limits count them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Active {
    /// Chats in total.
    pub chats: usize,
    /// Callbacks in total.
    pub callbacks: usize,
    /// Both, of anonymous visitors.
    pub anonymous: usize,
    /// Both, of this visitor's address.
    pub address: usize,
    /// Both, of this visitor's account.
    pub user: usize,
    /// Both, on this queue.
    pub queue: usize,
    /// Whether the visitor's address is one of TrustedHosts.
    pub trusted: bool,
}

/// Which limit refused (the vendor's parameter).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// ChatAccessControl or CallbackAccessControl.
    Access,
    /// MaxInteractionsAllowedPerIP.
    Address,
    /// MaxAnonymousInteractionsAllowed.
    Anonymous,
    /// MaxActiveInteractionsAllowed, MaxActiveChatsAllowed or MaxActiveCallbacksAllowed.
    Total,
    /// MaxInteractionsAllowedPerUser.
    User,
    /// MaxAnyInteractionsAllowedPerQueue.
    Queue,
    /// One of the limits per unit of time.
    Burst,
}

/// Asks all limits, the cheap and lasting ones first, so that a refusal takes no place in a burst window.
pub fn admit(
    kind: Kind,
    anonymous: bool,
    active: Active,
    parameters: &Parameters,
    bursts: &mut Bursts,
    now: Instant,
) -> Result<(), Limit> {
    let (access, of_kind, own_total) = match kind {
        Kind::Chat => (
            parameters.chat_access,
            active.chats,
            parameters.max_active_chats,
        ),
        Kind::Callback => (
            parameters.callback_access,
            active.callbacks,
            parameters.max_active_callbacks,
        ),
    };
    if !access.admits(anonymous) {
        return Err(Limit::Access);
    }
    if !active.trusted && active.address >= parameters.max_interactions_per_ip {
        return Err(Limit::Address);
    }
    if anonymous && active.anonymous >= parameters.max_anonymous_interactions {
        return Err(Limit::Anonymous);
    }
    if of_kind >= parameters.max_active_interactions
        || own_total.is_some_and(|total| of_kind >= total)
    {
        return Err(Limit::Total);
    }
    if !anonymous && active.user >= parameters.max_interactions_per_user {
        return Err(Limit::User);
    }
    if active.queue >= parameters.max_interactions_per_queue {
        return Err(Limit::Queue);
    }
    if !bursts.admit(kind, parameters, now) {
        return Err(Limit::Burst);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::webtools::params::AccessControl;

    fn ask(active: Active, parameters: &Parameters, anonymous: bool) -> Result<(), Limit> {
        let now = Instant::now();
        admit(
            Kind::Chat,
            anonymous,
            active,
            parameters,
            &mut Bursts::default(),
            now,
        )
    }

    #[test]
    fn every_limit_refuses_at_its_number_and_not_before() {
        let defaults = Parameters::default;
        let none = Active::default;
        let mut few = defaults();
        few.max_active_chats = Some(3);
        let mut closed = defaults();
        closed.chat_access = AccessControl::Authenticated;
        for (below, at, parameters, anonymous, limit) in [
            (
                Active {
                    address: 14,
                    ..none()
                },
                Active {
                    address: 15,
                    ..none()
                },
                defaults(),
                true,
                Limit::Address,
            ),
            (
                Active {
                    chats: 1499,
                    ..none()
                },
                Active {
                    chats: 1500,
                    ..none()
                },
                defaults(),
                true,
                Limit::Total,
            ),
            (
                Active { chats: 2, ..none() },
                Active { chats: 3, ..none() },
                few,
                true,
                Limit::Total,
            ),
            (
                Active {
                    anonymous: 1499,
                    ..none()
                },
                Active {
                    anonymous: 1500,
                    ..none()
                },
                defaults(),
                true,
                Limit::Anonymous,
            ),
            (
                Active { user: 4, ..none() },
                Active { user: 5, ..none() },
                defaults(),
                false,
                Limit::User,
            ),
            (
                Active {
                    queue: 1499,
                    ..none()
                },
                Active {
                    queue: 1500,
                    ..none()
                },
                defaults(),
                false,
                Limit::Queue,
            ),
        ] {
            assert_eq!(ask(below, &parameters, anonymous), Ok(()), "{limit:?}");
            assert_eq!(ask(at, &parameters, anonymous), Err(limit));
        }
        assert_eq!(ask(none(), &closed, true), Err(Limit::Access));
        assert_eq!(ask(none(), &closed, false), Ok(()));
    }

    #[test]
    fn a_trusted_host_is_free_of_the_limit_per_address_only() {
        let parameters = Parameters::default();
        let active = Active {
            address: 500,
            trusted: true,
            ..Active::default()
        };
        assert_eq!(ask(active, &parameters, true), Ok(()));
        assert_eq!(
            ask(
                Active {
                    chats: 1500,
                    ..active
                },
                &parameters,
                true
            ),
            Err(Limit::Total)
        );
    }

    #[test]
    fn the_sixth_start_in_a_second_is_refused_and_takes_no_place() {
        let (parameters, mut bursts, now) =
            (Parameters::default(), Bursts::default(), Instant::now());
        let mut start =
            |kind, at| admit(kind, true, Active::default(), &parameters, &mut bursts, at);
        for _ in 0..5 {
            assert_eq!(start(Kind::Chat, now), Ok(()));
        }
        let later = now + Duration::from_millis(999);
        assert_eq!(
            start(Kind::Callback, later),
            Err(Limit::Burst),
            "the combined window is full"
        );
        assert_eq!(start(Kind::Callback, now + Duration::from_secs(1)), Ok(()));
    }
}
