//! Chats and callbacks of Interaction Web Tools and of ICWS, limited before the CIC server sees the request.
//!
//! Names and defaults are the vendor's (Interaction Web Tools Technical Reference, "Denial of Service"): what a CIC administrator
//! has tuned there can be copied here as it is.
//!
//! ```yaml
//! limits:
//!   interactions: { MaxInteractionsAllowedPerIP: 15, TrustedHosts: [192.0.2.10, kiosk.example.com] }
//! ```

use super::address::Mode;
use crate::config::At;
use crate::config::decode::Context;
use crate::config::section::section;
use crate::config::value::{Duration, Number, TrustedHost};
use crate::diagnostic::Place;

/// Chats and callbacks of one pair that are counted together; what is beyond passes, so no limit above it would ever be reached.
pub const COUNTED: u32 = 65_536;

section! {
    /// Chats and callbacks. Every number holds for one pair of servers (one server without `pair`), as it does inside the CIC server, unless it says otherwise. Written as `{}` the vendor's own defaults hold; without this section interactions are only counted.
    pub struct Interactions {
        /// Without it: that of `limits`. The milder of the two counts.
        mode: Option<At<Mode>> = optional,
        /// Active chats and callbacks, per client address and pair.
        per_ip as "MaxInteractionsAllowedPerIP": At<Number<1, 60_000>> = default Number::new(15),
        /// Addresses, networks and names that `MaxInteractionsAllowedPerIP` does not hold for: kiosks, or proxies that hide many visitors. Names are looked up again and again.
        trusted_hosts as "TrustedHosts": Vec<At<TrustedHost>> = default Vec::new(),
        /// Starts of chats and callbacks together, per pair and `InteractionsAllowedUnitTime`.
        starts as "MaxInteractionsAllowedPerUnitTime": At<Number<1, 10_000>> = default Number::new(5),
        /// The unit time of `MaxInteractionsAllowedPerUnitTime`, in seconds.
        starts_within as "InteractionsAllowedUnitTime": At<Number<1, 3600>> = default Number::new(1),
        /// Starts of chats, per pair and `ChatsAllowedUnitTime`.
        chat_starts as "MaxChatsAllowedPerUnitTime": At<Number<1, 10_000>> = default Number::new(5),
        /// The unit time of `MaxChatsAllowedPerUnitTime`, in seconds.
        chat_starts_within as "ChatsAllowedUnitTime": At<Number<1, 3600>> = default Number::new(1),
        /// Starts of callbacks, per pair and `CallbacksAllowedUnitTime`.
        callback_starts as "MaxCallbacksAllowedPerUnitTime": At<Number<1, 10_000>> = default Number::new(5),
        /// The unit time of `MaxCallbacksAllowedPerUnitTime`, in seconds.
        callback_starts_within as "CallbacksAllowedUnitTime": At<Number<1, 3600>> = default Number::new(1),
        /// Active chats, and as many active callbacks again, per pair.
        active as "MaxActiveInteractionsAllowed": At<Number<0, 60_000>> = default Number::new(1500),
        /// Active chats, per pair, besides `MaxActiveInteractionsAllowed`: the smaller number counts.
        active_chats as "MaxActiveChatsAllowed": Option<At<Number<0, 60_000>>> = optional,
        /// Active callbacks, per pair, besides `MaxActiveInteractionsAllowed`: the smaller number counts.
        active_callbacks as "MaxActiveCallbacksAllowed": Option<At<Number<0, 60_000>>> = optional,
        /// Active chats and callbacks of visitors who did not sign in, per pair. 0: nobody may start one without signing in.
        anonymous as "MaxAnonymousInteractionsAllowed": At<Number<0, 60_000>> = default Number::new(1500),
        /// Active chats and callbacks of one visitor who signed in, per user name and pair.
        per_user as "MaxInteractionsAllowedPerUser": At<Number<1, 60_000>> = default Number::new(5),
        /// Active chats over all pairs together. Without it: no such limit.
        total_chats: Option<At<Number<0, 1_000_000>>> = optional,
        /// Active callbacks over all pairs together. Without it: no such limit.
        total_callbacks: Option<At<Number<0, 1_000_000>>> = optional,
        /// How long nothing may be heard of an interaction before it is taken for ended.
        silence: Silence = nested,
    }
    finish check_active;
}

section! {
    /// How long nothing may be heard of an interaction before it is taken for ended.
    pub struct Silence {
        /// Of a chat, whose page polls every few seconds, in a background tab once a minute.
        chat: At<Duration> = default Duration::from_secs(180),
        /// Of a callback, whose page may be closed while it waits. A start of which nobody heard the answer counts for 15m at most.
        callback: At<Duration> = default Duration::from_secs(8 * 3600),
    }
}

/// Chats and callbacks fill the same table: limits that only the first of them can reach are none for the second.
fn check_active(limits: &mut Interactions, _: Place, cx: &mut Context<'_>) {
    let active = &limits.active;
    let most = |own: &Option<At<Number<0, 60_000>>>| {
        let own = own.as_ref().map_or(active.get(), |own| own.get());
        own.min(active.get())
    };
    let (chats, callbacks) = (most(&limits.active_chats), most(&limits.active_callbacks));
    if chats + callbacks <= COUNTED {
        return;
    }
    let half = COUNTED / 2;
    cx.refuse(
        active.place,
        format!("this allows {chats} chats and {callbacks} callbacks beside them, and of one pair {COUNTED} are counted together: where one of the two is many, the other is never refused"),
        format!("write at most {half}, or lower `MaxActiveChatsAllowed` or `MaxActiveCallbacksAllowed` until both together are at most {COUNTED}"),
    );
}
