//! Visitors: those whose chats and callbacks the servers have, as `limits::interactions` knows from their answers.
//!
//! ```
//! use portcullis::limits::{interactions::Interactions, Now};
//! use portcullis::people::{Idle, Kind, visitors};
//! assert!(visitors(&Interactions::new(), &Idle::default(), |_| Kind::Webtools, Now(0)).is_empty());
//! ```

use crate::limits::Now;
use crate::limits::interactions::{Interactions, Phase};

use super::{Idle, Kind, View};

/// Those of whom something was heard within the idle time: a callback can wait for hours with nobody at the page. `kind` says by which
/// protocol a server's visitors come. Their names are not known: what a visitor calls himself no server has confirmed.
pub fn visitors(
    interactions: &Interactions,
    idle: &Idle,
    kind: impl Fn(&str) -> Kind,
    now: Now,
) -> Vec<View> {
    let pairs = interactions.pairs();
    let started = pairs.iter().flat_map(|pair| pair.list());
    let started = started.filter(|interaction| interaction.phase == Phase::Started);
    started
        .filter_map(|interaction| {
            let server = interaction.server?;
            let kind = kind(&server);
            (now.since(interaction.active) <= idle.of(kind)).then_some(View {
                user: None,
                kind,
                server,
                address: interaction.address,
                since: interaction.since,
                active: interaction.active,
                live: false,
                requests: interaction.requests,
            })
        })
        .collect()
}
