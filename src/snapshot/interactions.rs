//! The `limits.interactions` section, compiled.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::limits::Compile;
use crate::config::value::TrustedHost;
use crate::config::{self, Config};
use crate::limits;
use crate::limits::interactions::{Burst, Rules, Silence};
use crate::runtime::Runtime;
use crate::upstream::Addresses;

/// What `check` says can be reached, can.
const _: () = assert!(config::COUNTED == limits::interactions::MOST_HELD);

/// Limits of chats and callbacks.
#[derive(Clone)]
pub struct Interactions {
    /// Numbers, the same for every pair.
    pub rules: Rules,
    trusted: Vec<IpNet>,
    /// Names among `TrustedHosts`, followed in the background.
    names: Vec<Arc<Addresses>>,
}

impl Interactions {
    /// Whether a visitor is one of `TrustedHosts`. The caller has made the address canonical.
    pub fn trusts(&self, visitor: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&visitor))
            || self.names.iter().any(|name| name.contains(visitor))
    }
}

pub(super) fn compile(config: &Config, runtime: &Runtime) -> Interactions {
    let Some(written) = &config.limits.interactions else {
        // The CIC server has limits of its own, which its administrator may have raised: without a word in our file they are the ones.
        let rules = Rules {
            mode: None,
            ..Rules::default()
        };
        return Interactions {
            rules,
            trusted: Vec::new(),
            names: Vec::new(),
        };
    };
    let (mut trusted, mut names) = (Vec::new(), Vec::new());
    for host in &written.trusted_hosts {
        match &host.value {
            TrustedHost::Network(network) => trusted.push(**network),
            // The port means nothing here, but addresses are followed with one.
            TrustedHost::Name(name) => names.push(runtime.resolver.follow(name.as_str(), 0)),
        }
    }
    Interactions {
        rules: rules(config, written),
        trusted,
        names,
    }
}

fn rules(config: &Config, written: &config::Interactions) -> Rules {
    let burst = |most: u32, seconds: u32| Burst {
        most,
        within: Duration::from_secs(u64::from(seconds)),
    };
    Rules {
        mode: Compile::new(config).mode(written.mode.as_ref()),
        per_address: written.per_ip.get(),
        per_user: written.per_user.get(),
        anonymous: written.anonymous.get(),
        active_interactions: written.active.get(),
        active_chats: written.active_chats.as_ref().map(|most| most.get()),
        active_callbacks: written.active_callbacks.as_ref().map(|most| most.get()),
        total_chats: written.total_chats.as_ref().map(|most| most.get()),
        total_callbacks: written.total_callbacks.as_ref().map(|most| most.get()),
        interaction_burst: burst(written.starts.get(), written.starts_within.get()),
        chat_burst: burst(written.chat_starts.get(), written.chat_starts_within.get()),
        callback_burst: burst(
            written.callback_starts.get(),
            written.callback_starts_within.get(),
        ),
        silence: Silence {
            chat: written.silence.chat.get(),
            callback: written.silence.callback.get(),
        },
    }
}
