//! Each rule of counting by itself, and arbitrary nonsense, which must leave the numbers sound.

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::limits::interactions::{Burst, Interactions};

mod answers;
mod limits;
mod nonsense;

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn address(last: u8) -> Address {
    IpAddr::from([192, 0, 2, last]).into()
}

pub(super) fn ask(kind: Kind, last: u8) -> Ask<'static> {
    Ask {
        kind,
        address: address(last),
        trusted: false,
        user: User::Unknown,
    }
}

pub(super) fn at(seconds: u64) -> Now {
    Now(seconds * 1_000_000_000)
}

/// The vendor's rules without bursts.
pub(super) fn calm() -> Rules {
    let burst = Burst {
        most: 1,
        within: Duration::ZERO,
    };
    Rules {
        interaction_burst: burst,
        chat_burst: burst,
        callback_burst: burst,
        ..Rules::default()
    }
}

pub(super) fn servers() -> [Arc<str>; 2] {
    ["cic-a".into(), "cic-b".into()]
}

pub(super) fn sent(pair: &Arc<Pair>, ask: Ask<'_>, now: Now) -> Slot {
    let mut slot = pair.reserve(ask, &calm(), now).unwrap().slot;
    slot.sent();
    slot
}

pub(super) fn rejoin<'a>(
    server: &'a Arc<str>,
    id: &'a str,
    participant: &'a str,
    asked: Now,
) -> Rejoin<'a> {
    Rejoin {
        kind: Kind::Chat,
        server,
        id,
        participant,
        address: address(99),
        vouched: true,
        asked,
    }
}
