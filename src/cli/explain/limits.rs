//! The limits that hold for the request, as the file has them: of connections, of requests by process, kind and route, bans, and of
//! chats and callbacks where the request starts one.
//!
//! ```text
//!   limits    connections: at most 1000 (enforce)
//!             requests: 200/s, 1000 at once (enforce)
//!             requests of kind webtools: 20/s, 60 at once (observe)
//!             ban: for 10 min after 500 refusals within 10 s (enforce)
//! ```

use std::net::IpAddr;
use std::time::Duration;

use super::text::{Text, time};
use crate::exchange::Call;
use crate::front_door::ListenerSettings;
use crate::kinds::interaction::{Interaction, Operation};
use crate::limits::interactions::{Kind, Parameter, Rules};
use crate::limits::{Address, Mode, RateLimit, ScopeId};
use crate::observe::line::counted;
use crate::runtime::Runtime;
use crate::snapshot::{Scoped, Snapshot};

/// Who is counted, if it is known who asks.
pub(super) fn client(
    text: &mut Text,
    snapshot: &Snapshot,
    listener: &ListenerSettings,
    from: Option<IpAddr>,
) {
    let Some(from) = from.map(|from| from.to_canonical()) else {
        return;
    };
    let is = if listener.trusts(from) {
        "a trusted proxy: neither limited nor banned, the clients that it names are".to_owned()
    } else if snapshot.limits.exempts(from) {
        "exempt: neither limited nor banned".to_owned()
    } else {
        format!("counted as {}", Address::from(from))
    };
    text.line("client", &format!("{from}, {is}"));
}

/// Every limit per client address, the mode of each beside it.
pub(super) fn of_address(text: &mut Text, snapshot: &Snapshot, runtime: &Runtime, scopes: &Scoped) {
    let limits = &snapshot.limits;
    let connections = &limits.connections;
    let mut lines = vec![
        cap("connections", connections.open),
        rate("new_connections", connections.new.as_ref()),
    ];
    for (scope, rules) in scopes.iter() {
        let name = runtime.limits.scope_name(*scope);
        let of = name.map_or_else(String::new, |name| format!(" of {name}"));
        // A kind or a route may have either of the two alone.
        let whole = *scope == ScopeId::PROCESS;
        if whole || rules.rate.is_some() {
            lines.push(rate(&format!("requests{of}"), rules.rate.as_ref()));
        }
        if whole || rules.in_flight.is_some() {
            lines.push(cap(&format!("requests_in_flight{of}"), rules.in_flight));
        }
    }
    lines.push(match &limits.ban {
        None => "ban: off".to_owned(),
        Some(ban) => format!(
            "ban: for {} after {} within {} ({})",
            time(ban.lasts),
            counted(ban.refusals, "refusal"),
            time(ban.within),
            word(ban.mode)
        ),
    });
    text.list("limits", &lines);
}

/// What a request that starts a chat or a callback is held to besides.
pub(super) fn of_interactions(
    text: &mut Text,
    snapshot: &Snapshot,
    call: &Call,
    from: Option<IpAddr>,
) {
    let facts = &call.upstream.facts;
    let operation = facts
        .kind
        .interactions()
        .and_then(|wire| Operation::of(wire, &call.method, call.inner_path()));
    let Some(Operation::Start(interaction)) = operation else {
        return;
    };
    let kind = match interaction {
        Interaction::Chat => Kind::Chat,
        Interaction::Callback => Kind::Callback,
    };
    let rules = &snapshot.interactions.rules;
    let what = match &facts.pair {
        Some(pair) => format!("a {} of the pair {pair}", kind.name()),
        None => format!("a {} of {}", kind.name(), facts.name),
    };
    let Some(mode) = rules.mode else {
        text.line("starts", &format!("{what}, counted and not limited"));
        return;
    };
    let mut lines = vec![format!("{what} ({})", word(mode))];
    let from = from.map(|from| from.to_canonical());
    let free = match from {
        Some(from) if snapshot.interactions.trusts(from) => {
            ", not for this client: one of TrustedHosts"
        }
        Some(from) if snapshot.limits.exempts(from) => ", not for this client: exempt",
        _ => "",
    };
    let asked = Parameter::ALL.into_iter();
    lines.extend(asked.filter_map(|parameter| {
        let told = told(rules, kind, parameter)?;
        let free = if parameter == Parameter::PerAddress {
            free
        } else {
            ""
        };
        Some(format!("{}: {told}{free}", parameter.name()))
    }));
    text.list("starts", &lines);
}

/// What the file says of one parameter, if it concerns this kind of start.
fn told(rules: &Rules, kind: Kind, parameter: Parameter) -> Option<String> {
    let (chat, callback) = (kind == Kind::Chat, kind == Kind::Callback);
    let burst = match parameter {
        Parameter::ChatBurst if chat => Some(rules.chat_burst),
        Parameter::CallbackBurst if callback => Some(rules.callback_burst),
        Parameter::InteractionBurst => Some(rules.interaction_burst),
        _ => None,
    };
    if let Some(burst) = burst {
        return Some(format!("{} within {}", burst.most, time(burst.within)));
    }
    let most = match parameter {
        Parameter::PerAddress => Some(rules.per_address),
        Parameter::Anonymous => Some(rules.anonymous),
        Parameter::ActiveInteractions => Some(rules.active_interactions),
        Parameter::PerUser => Some(rules.per_user),
        Parameter::ActiveChats => rules.active_chats.filter(|_| chat),
        Parameter::ActiveCallbacks => rules.active_callbacks.filter(|_| callback),
        Parameter::TotalChats => rules.total_chats.filter(|_| chat),
        Parameter::TotalCallbacks => rules.total_callbacks.filter(|_| callback),
        Parameter::ChatBurst | Parameter::CallbackBurst | Parameter::InteractionBurst => None,
    };
    most.map(|most| most.to_string())
}

fn rate(name: &str, limit: Option<&(RateLimit, Mode)>) -> String {
    match limit {
        None => format!("{name}: off"),
        Some((limit, mode)) => {
            let (per, burst) = (per(limit.interval()), limit.burst());
            format!("{name}: {per}, {burst} at once ({})", word(*mode))
        }
    }
}

fn cap(name: &str, limit: Option<(u32, Mode)>) -> String {
    match limit {
        None => format!("{name}: off"),
        Some((most, mode)) => format!("{name}: at most {most} ({})", word(mode)),
    }
}

/// A rate in the shortest unit of the file that gives a whole number, from the time between two.
fn per(interval: Duration) -> String {
    let nanoseconds = interval.as_nanos().max(1);
    let units = [("s", 1), ("m", 60), ("h", 3600)];
    let whole = units.into_iter().find_map(|(unit, seconds)| {
        let unit_is = Duration::from_secs(seconds).as_nanos();
        // The interval was rounded up.
        let count = unit_is.div_ceil(nanoseconds);
        (unit_is.div_ceil(count) == nanoseconds).then(|| format!("{count}/{unit}"))
    });
    whole.unwrap_or_else(|| format!("one every {interval:?}"))
}

fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Observe => "observe",
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn a_rate_is_told_as_it_is_written() {
        for (count, seconds, told) in [
            (200, 1, "200/s"),
            (3, 1, "3/s"),
            (7, 60, "7/m"),
            (90, 60, "90/m"),
            (120, 60, "2/s"),
            (1, 3600, "1/h"),
            (1_000_000, 1, "1000000/s"),
            (123_457, 1, "123457/s"),
        ] {
            let count = NonZeroU32::new(count).unwrap();
            let limit = RateLimit::new(count, Duration::from_secs(seconds), NonZeroU32::MIN);
            assert_eq!(per(limit.interval()), told);
        }
    }
}
