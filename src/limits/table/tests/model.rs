//! The table against a naive one: a map that forgets nothing, and lists of every event. Same decisions, whatever comes.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::super::strikes::Strikes;
use super::*;

/// What the naive table keeps of a key.
#[derive(Debug, Default)]
struct Kept {
    new: u64,
    asked: u64,
    open: u32,
    in_flight: u32,
    strikes: Strikes,
    ban: Option<(Now, bool)>,
}

#[derive(Debug, Default)]
struct Naive(HashMap<(Address, ScopeId), Kept>);

/// The outcome in words that both tables share: the limit that refused and the wait, or what was observed.
type Outcome = Result<Option<Limit>, (Limit, Option<Duration>)>;

fn outcome<G>(decided: &Result<Admitted<G>, Exceeded>) -> Outcome {
    match decided {
        Ok(admitted) => Ok(admitted.observed.map(|exceeded| exceeded.limit)),
        Err(exceeded) => Err((exceeded.limit, exceeded.retry_after)),
    }
}

impl Naive {
    fn kept(&mut self, address: Address, scope: ScopeId) -> &mut Kept {
        self.0.entry((address, scope)).or_default()
    }

    fn banned(
        &mut self,
        address: Address,
        mode: Mode,
        now: Now,
    ) -> Option<(Option<Duration>, Mode)> {
        let (until, by_operator) = self.kept(address, ScopeId::PROCESS).ban?;
        let mode = if by_operator { Enforce } else { mode };
        (until > now).then(|| (Some(until.since(now)), mode))
    }

    /// Every limit that stands in the way, in order: which one, its wait, its mode.
    fn decide(over: &[(Limit, Option<Duration>, Mode)]) -> Outcome {
        let enforced = over.iter().filter(|(_, _, mode)| *mode == Enforce);
        if let Some((limit, wait, _)) = enforced.rev().max_by_key(|(_, wait, _)| *wait) {
            return Err((*limit, *wait));
        }
        Ok(over.first().map(|(limit, _, _)| *limit))
    }

    fn connect(
        &mut self,
        address: Address,
        rules: &ConnectionRules,
        ban: Mode,
        now: Now,
    ) -> Outcome {
        let mut over = Vec::new();
        if let Some((wait, mode)) = self.banned(address, ban, now) {
            if mode == Enforce {
                return Err((Limit::Banned, wait));
            }
            over.push((Limit::Banned, wait, mode));
        }
        let kept = self.kept(address, ScopeId::PROCESS);
        let mut new = kept.new;
        if let Some((limit, mode)) = rules.new
            && let Err(wait) = limit.take(&mut new, now)
        {
            over.push((Limit::NewConnections, Some(wait), mode));
        }
        if let Some((most, mode)) = rules.open
            && kept.open >= most
        {
            over.push((Limit::OpenConnections, None, mode));
        }
        let outcome = Naive::decide(&over);
        if outcome.is_ok() {
            kept.new = new;
            kept.open += 1;
        }
        outcome
    }

    fn request(
        &mut self,
        address: Address,
        scopes: &[(ScopeId, RequestRules)],
        ban: Mode,
        now: Now,
    ) -> Outcome {
        let mut over = Vec::new();
        if let Some((wait, mode)) = self.banned(address, ban, now) {
            if mode == Enforce {
                return Err((Limit::Banned, wait));
            }
            over.push((Limit::Banned, wait, mode));
        }
        for (scope, rules) in scopes {
            let kept = self.kept(address, *scope);
            let mut asked = kept.asked;
            if let Some((limit, mode)) = rules.rate
                && let Err(wait) = limit.take(&mut asked, now)
            {
                over.push((Limit::Requests, Some(wait), mode));
            }
            if let Some((most, mode)) = rules.in_flight
                && kept.in_flight >= most
            {
                over.push((Limit::RequestsInFlight, None, mode));
            }
        }
        let outcome = Naive::decide(&over);
        if outcome.is_ok() {
            for (scope, rules) in scopes {
                let kept = self.kept(address, *scope);
                kept.in_flight += 1;
                if let Some((limit, _)) = rules.rate {
                    let _ = limit.take(&mut kept.asked, now);
                }
            }
        }
        outcome
    }

    fn strike(&mut self, address: Address, rules: &BanRules, now: Now) -> bool {
        let kept = self.kept(address, ScopeId::PROCESS);
        if kept.ban.is_some_and(|(until, _)| until > now) {
            return false;
        }
        let begins = kept.strikes.add(rules.within, now) >= rules.refusals;
        if begins {
            kept.ban = Some((now.after(rules.lasts), false));
            kept.strikes = Strikes::default();
        }
        begins
    }
}

#[derive(Debug, Clone)]
enum Step {
    Connect(u32),
    Ask(u32, usize),
    Close(usize),
    Strike(u32),
    Ban(u32, u64),
    Lift(u32),
    Wait(u64),
    ObserveBans(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = || 0..6u32;
    let step = prop_oneof![
        8 => number().prop_map(Step::Connect),
        8 => (number(), 0..=4usize).prop_map(|(number, scopes)| Step::Ask(number, scopes)),
        6 => any::<usize>().prop_map(Step::Close),
        5 => number().prop_map(Step::Strike),
        1 => (number(), 0..5_000u64).prop_map(|(number, ms)| Step::Ban(number, ms)),
        1 => number().prop_map(Step::Lift),
        8 => prop_oneof![0..200u64, 0..3_000u64, 0..60_000u64].prop_map(Step::Wait),
        1 => any::<bool>().prop_map(Step::ObserveBans),
    ];
    prop::collection::vec(step, 1..300)
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![3 => Just(Enforce), 1 => Just(Observe)]
}

fn rates() -> impl Strategy<Value = Option<(u32, u32, Mode)>> {
    prop::option::weighted(0.8, (1..20u32, 1..5u32, mode()))
}

fn caps() -> impl Strategy<Value = Option<(u32, Mode)>> {
    prop::option::weighted(0.7, (0..4u32, mode()))
}

proptest! {
    #[test]
    fn it_decides_as_a_table_that_never_forgets(
        new in rates(), open in caps(), all in prop::collection::vec((rates(), caps()), 4), steps in steps(),
    ) {
        let table = Table::new(1000);
        let mut naive = Naive::default();
        let connecting = connections(new, open);
        let asking: Vec<_> = all.into_iter().zip(0..)
            .map(|((rate, cap), scope)| (ScopeId(scope), requests(rate, cap)))
            .collect();
        let mut bans = ban_after(4, Enforce);
        bans.lasts = SECOND * 5;
        let striking = bans.clone();
        let mut now = at(0);
        let mut connected = Vec::new();
        let mut asked = Vec::new();
        for step in steps {
            match step {
                Step::Connect(number) => {
                    let decided = table.connect(client(number), &connecting, Some(&bans), now);
                    let expected = naive.connect(client(number), &connecting, bans.mode, now);
                    prop_assert_eq!(outcome(&decided), expected);
                    connected.extend(decided.ok().map(|admitted| (number, admitted.guard)));
                }
                Step::Ask(number, scopes) => {
                    let scopes = &asking[..scopes];
                    let decided = table.request(client(number), scopes, Some(&bans), now);
                    let expected = naive.request(client(number), scopes, bans.mode, now);
                    prop_assert_eq!(outcome(&decided), expected);
                    asked.extend(decided.ok().map(|admitted| (number, scopes, admitted.guard)));
                }
                Step::Close(which) => {
                    let either = connected.len() + asked.len();
                    if either == 0 {
                        continue;
                    }
                    let which = which % either;
                    if which < connected.len() {
                        let (number, guard) = connected.swap_remove(which);
                        drop(guard);
                        naive.kept(client(number), ScopeId::PROCESS).open -= 1;
                    } else {
                        let (number, scopes, guard) = asked.swap_remove(which - connected.len());
                        drop(guard);
                        for (scope, _) in scopes {
                            naive.kept(client(number), *scope).in_flight -= 1;
                        }
                    }
                }
                Step::Strike(number) => {
                    let begun = table.strike(client(number), &striking, now);
                    let expected = naive.strike(client(number), &striking, now);
                    prop_assert_eq!(begun, expected.then_some(true));
                }
                Step::Ban(number, ms) => {
                    let lasts = Duration::from_millis(ms);
                    prop_assert_eq!(table.ban(client(number), lasts, now), Ok(()));
                    let kept = naive.kept(client(number), ScopeId::PROCESS);
                    kept.ban = Some((now.after(lasts), true));
                    kept.strikes = Strikes::default();
                }
                Step::Lift(number) => {
                    let kept = naive.kept(client(number), ScopeId::PROCESS);
                    let runs = kept.ban.take().is_some_and(|(until, _)| until > now);
                    if runs {
                        kept.strikes = Strikes::default();
                    }
                    prop_assert_eq!(table.lift(client(number), now), runs);
                }
                Step::Wait(ms) => now = now.after(Duration::from_millis(ms)),
                Step::ObserveBans(observe) => bans.mode = if observe { Observe } else { Enforce },
            }
        }
        table.check();
        let running = naive.0.values().filter(|kept| kept.ban.is_some_and(|(until, _)| until > now));
        prop_assert_eq!(table.bans_len(now), running.count());
        for ((address, scope), kept) in &naive.0 {
            let used = table.used(*address, *scope, WINDOW, now);
            let expected = (kept.open, kept.in_flight, kept.strikes.count(WINDOW, now));
            let found = used.map_or((0, 0, 0), |used| (used.open, used.in_flight, used.refusals));
            prop_assert_eq!(found, expected);
        }
    }

    /// Every admitted request is in a list; no window of it holds more than burst and rate, in any scope, for any address.
    #[test]
    fn no_window_admits_more_than_its_limit_in_any_scope(
        limits in prop::collection::vec((1..50u32, 1..20u32), 3),
        came in prop::collection::vec((0..3u32, 1..=3usize, prop_oneof![3 => Just(0), 3 => 0..50u64, 1 => 0..2_000u64]), 1..250),
    ) {
        let table = Table::new(100);
        let asking: Vec<_> = limits.iter().zip(0..)
            .map(|((count, burst), scope)| (ScopeId(scope), requests(Some((*count, *burst, Enforce)), None)))
            .collect();
        let mut now = at(0);
        let mut admitted: HashMap<(u32, usize), Vec<u64>> = HashMap::new();
        for (number, scopes, pause) in came {
            now = now.after(Duration::from_millis(pause));
            if table.request(client(number), &asking[..scopes], None, now).is_ok() {
                for scope in 0..scopes {
                    admitted.entry((number, scope)).or_default().push(now.0);
                }
            }
        }
        for ((_, scope), times) in admitted {
            let (count, burst) = limits[scope];
            for (first, from) in times.iter().enumerate() {
                for (last, to) in times.iter().enumerate().skip(first) {
                    let events = (last - first + 1) as u64;
                    let most = u64::from(burst) + u64::from(count) * (to - from) / 1_000_000_000;
                    prop_assert!(events <= most, "{} in {} ns", events, to - from);
                }
            }
        }
    }

    /// Whoever waits as told is admitted, whatever limits of whatever scopes were in the way.
    #[test]
    fn the_wait_is_exact(
        limits in prop::collection::vec((1..50u32, 1..5u32), 3), came in prop::collection::vec((1..=3usize, 0..300u64), 1..60),
    ) {
        let table = Table::new(100);
        let asking: Vec<_> = limits.iter().zip(0..)
            .map(|((count, burst), scope)| (ScopeId(scope), requests(Some((*count, *burst, Enforce)), None)))
            .collect();
        let mut now = at(0);
        for (scopes, pause) in came {
            now = now.after(Duration::from_millis(pause));
            let scopes = &asking[..scopes];
            if let Err(exceeded) = table.request(client(1), scopes, None, now) {
                let wait = exceeded.retry_after.unwrap();
                now = now.after(wait - Duration::from_nanos(1));
                prop_assert!(table.request(client(1), scopes, None, now).is_err());
                now = now.after(Duration::from_nanos(1));
                prop_assert!(table.request(client(1), scopes, None, now).is_ok());
            }
        }
    }
}
