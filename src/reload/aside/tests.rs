use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use thread_priority::unix::thread_schedule_policy;

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_panics_is_noticed_and_ends_nothing_else() {
    assert_eq!(run(|| 7).await, Some(7));
    assert_eq!(behind(PATIENCE, || 7).await, Some(7));
    let empty: Vec<u8> = Vec::new();
    let also_empty = empty.clone();
    assert_eq!(run(move || empty[0]).await, None);
    assert_eq!(behind(PATIENCE, move || also_empty[0]).await, None);
    assert_eq!(behind(PATIENCE, || 7).await, Some(7));
}

#[tokio::test]
async fn who_is_behind_all_others_gets_what_nobody_wants_and_passes_that_on() {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let policies = answer(Place::BehindAll, || {
        let begun = std::thread::spawn(|| thread_schedule_policy().ok());
        (thread_schedule_policy().ok(), begun.join().ok().flatten())
    });
    assert_eq!(policies.await, Ok((Some(idle), Some(idle))));
    let other = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
    assert_eq!(
        run(|| thread_schedule_policy().ok()).await,
        Some(Some(other))
    );
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
        behind_but(&LEFT_BEHIND, PATIENCE, move || times.work()).await,
        Some(other)
    );
    // The first is still there: nobody else is put behind everybody.
    let policy = behind_but(&LEFT_BEHIND, PATIENCE, || thread_schedule_policy().ok()).await;
    assert_eq!(policy, Some(Some(other)));
    core.send(()).unwrap();
    while LEFT_BEHIND.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
}
