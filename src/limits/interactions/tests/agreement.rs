//! The limits against those of the simulated server, which has written its own: they refuse the same starts for the same reason.

use std::time::Instant;

use loadtest::webtools::{self, Answer, Limit, Node, Operation, Site, Visit};
use proptest::prelude::*;
use serde_json::json;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Start { kind: Kind, last: u8, user: u8 },
    End(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(Kind::Chat), Just(Kind::Callback)];
    prop_oneof![
        3 => (kind, 1u8..4, 0u8..4).prop_map(|(kind, last, user)| Step::Start { kind, last, user }),
        1 => (0usize..20).prop_map(Step::End),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let burst = || {
        let within = (50u64..800).prop_map(Duration::from_millis);
        (1u32..7, within).prop_map(|(most, within)| Burst { most, within })
    };
    let most = || proptest::option::of(1u32..8);
    (
        (1u32..7, 1u32..4, 0u32..9, 1u32..9),
        (most(), most()),
        (burst(), burst(), burst()),
    )
        .prop_map(
            |((per_address, per_user, anonymous, active), (chats, callbacks), bursts)| Rules {
                per_address,
                per_user,
                anonymous,
                active_interactions: active,
                active_chats: chats,
                active_callbacks: callbacks,
                interaction_burst: bursts.0,
                chat_burst: bursts.1,
                callback_burst: bursts.2,
                ..Rules::default()
            },
        )
}

/// A site with these rules, accounts u2 and u3, and 192.0.2.3 trusted.
fn site(rules: &Rules) -> Site {
    let mut site = Site::default();
    for name in ["u2", "u3"] {
        site.set_account(name, "secret");
    }
    let burst = |burst: Burst| webtools::Burst {
        count: burst.most as usize,
        per: burst.within,
    };
    let parameters = &mut site.parameters;
    parameters.max_interactions_per_ip = rules.per_address as usize;
    parameters.max_interactions_per_user = rules.per_user as usize;
    parameters.max_anonymous_interactions = rules.anonymous as usize;
    parameters.max_active_interactions = rules.active_interactions as usize;
    parameters.max_active_chats = rules.active_chats.map(|most| most as usize);
    parameters.max_active_callbacks = rules.active_callbacks.map(|most| most as usize);
    parameters.interaction_burst = burst(rules.interaction_burst);
    parameters.chat_burst = burst(rules.chat_burst);
    parameters.callback_burst = burst(rules.callback_burst);
    parameters.trusted_hosts = vec!["192.0.2.3".into()];
    parameters.poll_silence = Duration::from_secs(1_000_000);
    site
}

fn limit(parameter: Parameter) -> Limit {
    match parameter {
        Parameter::PerAddress => Limit::Address,
        Parameter::Anonymous => Limit::Anonymous,
        Parameter::PerUser => Limit::User,
        Parameter::ActiveInteractions | Parameter::ActiveChats | Parameter::ActiveCallbacks => {
            Limit::Total
        }
        Parameter::ChatBurst | Parameter::CallbackBurst | Parameter::InteractionBurst => {
            Limit::Burst
        }
        Parameter::TotalChats | Parameter::TotalCallbacks => panic!("no limit of one pair"),
    }
}

proptest! {
    #[test]
    fn the_gateway_refuses_exactly_what_the_server_would_and_for_the_same_reason(
        rules in rules(),
        steps in proptest::collection::vec((step(), 0u64..400), 1..120),
    ) {
        let (mut site, began) = (site(&rules), Instant::now());
        let pair = Interactions::new().pair("cic");
        let server: Arc<str> = "cic-a".into();
        let mut living: Vec<(Kind, String, String)> = Vec::new();
        let mut elapsed = Duration::ZERO;
        for (step, gap) in steps {
            elapsed += Duration::from_millis(gap);
            let now = Now(0).after(elapsed);
            match step {
                Step::Start { kind, last, user } => {
                    let visitor = format!("192.0.2.{last}");
                    let account = format!("u{user}");
                    let mut participant = json!({"name": account, "telephone": "555"});
                    if user > 1 {
                        participant["credentials"] = "secret".into();
                    }
                    let body = json!({"participant": participant, "target": "Sales", "targetType": "Workgroup"});
                    let (operation, envelope, id) = match kind {
                        Kind::Chat => (Operation::Start, "chat", "chatID"),
                        Kind::Callback => (Operation::CreateCallback, "callback", "callbackID"),
                    };
                    let visit = Visit { node: Node::A, visitor: &visitor, now: began + elapsed };
                    let theirs = site.perform(&visit, &operation, &body);
                    let user = if user > 1 { User::Named(&account) } else { User::Anonymous };
                    let ask = Ask { user, trusted: last == 3, ..ask(kind, last) };
                    match (pair.reserve(ask, &rules, now), theirs) {
                        (Ok(mut reserved), Answer::Envelope(answer)) => {
                            let text = |name: &str| answer[envelope][name].as_str().unwrap().to_owned();
                            let (id, participant) = (text(id), text("participantID"));
                            reserved.slot.sent();
                            let started = reserved.slot.started(&server, &id, &participant, now);
                            prop_assert_eq!(started, Started::Counted);
                            living.push((kind, id, participant));
                        }
                        (Err(parameter), Answer::Refused(_)) => {
                            prop_assert_eq!(site.refusals.back().copied(), Some(limit(parameter)));
                        }
                        (ours, theirs) => prop_assert!(false, "{:?} and {:?}", ours, theirs),
                    }
                }
                Step::End(at) if at < living.len() => {
                    let (kind, id, participant) = living.swap_remove(at);
                    let ended = match kind {
                        Kind::Chat => site.end_chat(&id),
                        Kind::Callback => site.end_callback(&id),
                    };
                    prop_assert!(ended && pair.ended(&participant, now));
                }
                Step::End(_) => {}
            }
            let truth = site.truth(began + elapsed);
            let counts = pair.counts();
            prop_assert_eq!(counts.chats as usize, truth.chats());
            prop_assert_eq!(counts.callbacks as usize, truth.callbacks());
            for last in 1..4 {
                prop_assert_eq!(pair.of(address(last)) as usize, truth.of(&format!("192.0.2.{last}")));
            }
        }
    }
}
