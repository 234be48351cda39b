//! Work that takes long, on a thread of its own: beside those that serve clients, and beside those that read files for them.
//!
//! ```ignore
//! let snapshot = aside::behind(turn, Duration::from_millis(250), move || compile(&text)).await;
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;
use std::time::Duration;

use rustix::process::setpriority_process;
use rustix::thread::gettid;
use thread_priority::ThreadPriority;
use thread_priority::unix::{
    NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::turn::Turn;

/// A nice value: a tenth of the share of a thread that serves clients, where both want the same core.
const SHARE: i32 = 10;

/// Which threads go before those that begin here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Those that serve clients go first, nine times of ten.
    WithAShare,
    /// All others go first, at once and always.
    BehindAll,
}

/// Runs `work` and waits for it. `None` if it panicked, or if the system gives no thread. Must be called inside a tokio runtime.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    answer(work).await.ok()
}

/// The same in such a way that clients notice nothing: whoever serves one gets the core at once. Where all cores are busy with that, the
/// work would never be done; so after `patience`, some more than it takes on cores that are free, it is begun once more with a share of
/// its own, and whichever ends first counts. It must not matter that it is done twice.
pub(crate) async fn behind<T, W>(turn: Turn, patience: Duration, work: W) -> Option<T>
where
    T: Send + 'static,
    W: Fn() -> T + Clone + Send + 'static,
{
    /// One that still runs though nobody waits for it any more: there is never a second.
    static LEFT_BEHIND: AtomicBool = AtomicBool::new(false);
    behind_but(&LEFT_BEHIND, turn, patience, work).await
}

async fn behind_but<T, W>(
    left_behind: &'static AtomicBool,
    turn: Turn,
    patience: Duration,
    work: W,
) -> Option<T>
where
    T: Send + 'static,
    W: Fn() -> T + Clone + Send + 'static,
{
    if left_behind.swap(true, Ordering::Relaxed) {
        return run(work).await;
    }
    let over = Over(left_behind);
    let again = work.clone();
    let mut first = in_turn(turn, move || {
        let _over = over;
        work()
    });
    tokio::select! {
        done = &mut first => return done.ok(),
        () = sleep(patience) => {}
    }
    let second = answer(again);
    tokio::select! {
        Ok(done) = first => Some(done),
        Ok(done) = second => Some(done),
        else => None,
    }
}

struct Over(&'static AtomicBool);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Runs `work`, and nobody waits for it.
pub(crate) fn begin(work: impl FnOnce() + Send + 'static) {
    at(Place::BehindAll, work);
}

fn answer<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (done, wait) = oneshot::channel();
    at(Place::WithAShare, answering(done, work));
    wait
}

fn in_turn<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> T + Send + 'static,
) -> oneshot::Receiver<T> {
    let (done, wait) = oneshot::channel();
    let runtime = Handle::current();
    let work = answering(done, work);
    match turn.threads() {
        Some(threads) => threads.spawn(move || {
            let _inside = runtime.enter();
            work();
        }),
        None => at(Place::BehindAll, work),
    }
    wait
}

fn answering<T>(done: oneshot::Sender<T>, work: impl FnOnce() -> T) -> impl FnOnce() {
    move || {
        // Nobody waits any more when the process is about to end, or when another was quicker.
        let _ = done.send(work());
    }
}

fn at(place: Place, work: impl FnOnce() + Send + 'static) {
    let runtime = Handle::current();
    let inside = move || {
        place.take();
        // Names begin to be looked up while a configuration is compiled.
        let _inside = runtime.enter();
        work();
    };
    let began = Builder::new()
        .name("portcullis-load".to_owned())
        .spawn(inside);
    if let Err(error) = began {
        log::error!("the system gives no thread: {error}");
    }
}

impl Place {
    /// What runs here, and the threads that it begins.
    ///
    /// PERF: a scheduler that has given a core to somebody lets it have that for a millisecond or more, whatever its nice value. Only from
    /// `SCHED_IDLE` it takes the core back at once (sched(7), "Scheduling policies"; `check_preempt_wakeup_fair` in Linux).
    pub(super) fn take(self) {
        // On Linux both are those of the one thread (setpriority(2), "C library/kernel differences"). Where they may not be changed (a
        // filter of system calls), this runs as everything else.
        let _ = setpriority_process(Some(gettid()), SHARE);
        if self == Place::BehindAll {
            let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
            let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
        }
    }
}

#[cfg(test)]
mod tests;
