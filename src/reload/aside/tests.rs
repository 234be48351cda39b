use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use thread_priority::unix::thread_schedule_policy;

use super::*;
use crate::every_core;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_panics_is_noticed_and_ends_nothing_else() {
    assert_eq!(run(|| 7).await, Some(7));
    assert_eq!(behind(Turn::First, PATIENCE, || 7).await, Some(7));
    let empty: Vec<u8> = Vec::new();
    let also_empty = empty.clone();
    assert_eq!(run(move || empty[0]).await, None);
    assert_eq!(
        behind(Turn::First, PATIENCE, move || also_empty[0]).await,
        None
    );
    assert_eq!(behind(Turn::First, PATIENCE, || 7).await, Some(7));
}

/// The threads that a long list is divided among, each with its policy.
fn divided() -> HashMap<ThreadId, Option<ThreadSchedulePolicy>> {
    let one = |_: &mut (), _: &[()]| (thread::current().id(), thread_schedule_policy().ok());
    every_core::map(&[(); 5000], || (), one)
        .into_iter()
        .collect()
}

#[tokio::test]
async fn all_threads_of_a_reload_are_behind_all_others_and_no_others_than_two_reloads_before() {
    let idle = Some(ThreadSchedulePolicy::Normal(
        NormalThreadSchedulePolicy::Idle,
    ));
    let mut seen = [Turn::First, Turn::Second].map(|turn| (turn, HashSet::new()));
    for _ in 0..5 {
        for (turn, threads) in &mut seen {
            let used = behind(*turn, PATIENCE, divided).await.unwrap();
            assert!(used.values().all(|policy| *policy == idle), "{used:?}");
            threads.extend(used.into_keys());
        }
    }
    let [(_, first), (_, second)] = seen;
    assert!(first.is_disjoint(&second));
    let cores = thread::available_parallelism().unwrap().get();
    assert!(first.len() <= cores && second.len() <= cores);
}

#[tokio::test]
async fn what_is_done_with_a_share_is_not_behind_all_others() {
    let other = Some(ThreadSchedulePolicy::Normal(
        NormalThreadSchedulePolicy::Other,
    ));
    let used = run(divided).await.unwrap();
    assert!(used.values().all(|policy| *policy == other), "{used:?}");
}

/// Work that gets no core behind all others, until it is let go.
#[derive(Clone)]
struct Starving(Arc<Mutex<Receiver<()>>>);

impl Starving {
    /// How it was done in the end.
    fn work(&self) -> ThreadSchedulePolicy {
        let policy = thread_schedule_policy().unwrap();
        if policy == ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle) {
            self.0.lock().unwrap().recv().unwrap();
        }
        policy
    }
}

#[tokio::test(start_paused = true)]
async fn what_gets_no_core_is_done_with_a_share_and_left_behind_only_once() {
    static LEFT_BEHIND: AtomicBool = AtomicBool::new(false);
    let (core, wait) = channel();
    let other = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
    let starving = Starving(Arc::new(Mutex::new(wait)));
    let times = starving.clone();
    assert_eq!(
        behind_but(&LEFT_BEHIND, Turn::First, PATIENCE, move || times.work()).await,
        Some(other)
    );
    // The first is still there: nobody else is put behind everybody.
    let policy = behind_but(&LEFT_BEHIND, Turn::First, PATIENCE, || {
        thread_schedule_policy().ok()
    })
    .await;
    assert_eq!(policy, Some(Some(other)));
    core.send(()).unwrap();
    while LEFT_BEHIND.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
}
