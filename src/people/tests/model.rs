//! Any order of answers against a log that is read from its beginning each time.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy)]
enum Event {
    SignIn,
    Success { ago: u64 },
    SignOut,
    Open,
    Close,
    Sweep,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::SignIn),
        6 => (0..4_u64).prop_map(|ago| Event::Success { ago }),
        2 => Just(Event::SignOut),
        2 => Just(Event::Open),
        2 => Just(Event::Close),
        1 => Just(Event::Sweep),
    ]
}

/// What the log of one session says: whether its user is there, with how many requests and whether live.
fn read(log: &[(u64, Event)], at: u64) -> Option<(u64, bool)> {
    let began = log
        .iter()
        .rposition(|(_, event)| matches!(event, Event::SignIn))?;
    let log = &log[began..];
    let (mut ended, mut active, mut requests) = (None, 0, 0);
    // Channels of the session before this one are none of it; those of this one close first, the newest before the oldest.
    let mut open = 0_u32;
    for (now, event) in log {
        match event {
            Event::SignIn => {
                active = *now;
                requests = 1;
            }
            Event::Success { ago } if ended.is_none_or(|ended| now - ago > ended) => {
                ended = None;
                active = *now;
                requests += 1;
            }
            Event::SignOut => ended = Some(*now),
            Event::Open => open += 1,
            Event::Close if open > 0 => {
                open -= 1;
                active = *now;
            }
            // Forgotten for good: only a sign-in begins a new one.
            Event::Sweep if ended.is_some_and(|ended| now - ended > 120) => return None,
            Event::Success { .. } | Event::Close | Event::Sweep => {}
        }
    }
    let here = ended.is_none() && (open > 0 || at - active <= 10);
    here.then_some((requests, open > 0))
}

proptest! {
    #[test]
    fn any_order_of_answers_gives_what_its_log_says(
        schedule in prop::collection::vec((0..3_usize, 0..6_u64, event()), 1..120),
    ) {
        let people = Arc::new(People::new());
        let sessions: Vec<SessionKey> =
            (0..3).map(|id| people.session(Kind::Icws, "icserver1", &id.to_string())).collect();
        let mut channels: Vec<Vec<u64>> = vec![Vec::new(); 3];
        let mut logs: Vec<Vec<(u64, Event)>> = vec![Vec::new(); 3];
        let mut at = 100;
        for (who, later, event) in schedule {
            at += later;
            let (session, now) = (sessions[who], second(at));
            match event {
                Event::SignIn => {
                    people.signed_in(session, &newcomer(&server(), now), &idle(), now);
                }
                Event::Success { ago } => {
                    people.seen(session, from(7), second(at - ago), now);
                }
                Event::SignOut => {
                    people.signed_out(session, now);
                }
                Event::Open => {
                    let generation = people.shard(session).open(session);
                    channels[who].extend(generation);
                }
                Event::Close => {
                    if let Some(generation) = channels[who].pop() {
                        people.closed(session, generation, now);
                    }
                }
                Event::Sweep => people.sweep(&idle(), now),
            }
            logs[who].push((at, event));
            let mut expected: Vec<(u64, bool)> = logs.iter().filter_map(|log| read(log, at)).collect();
            let views = people.list(&idle(), now);
            let mut actual: Vec<(u64, bool)> = views.iter().map(|view| (view.requests, view.live)).collect();
            expected.sort_unstable();
            actual.sort_unstable();
            prop_assert_eq!(actual, expected);
            prop_assert!(people.held() <= 3);
        }
    }
}
