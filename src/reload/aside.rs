//! Work that takes long, on a thread of its own: beside those that serve clients, and beside those that read files for them.
//!
//! PERF: not one of the runtime's blocking threads. They take turns, each has a heap of its own, and after some reloads each of those
//! would have been filled with a whole configuration. A fresh thread is given the heap of the last one that ended.

use std::thread::Builder;

use rustix::process::setpriority_process;
use rustix::thread::gettid;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// A nice value: a tenth of the share of a thread that serves clients, where both want the same core.
const BEHIND: i32 = 10;

/// Runs `work` and waits for it. `None` if it panicked, or if the system gives no thread. Must be called inside a tokio runtime.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, wait) = oneshot::channel();
    begin(move || {
        // Nobody waits any more when the process is about to end.
        let _ = done.send(work());
    });
    wait.await.ok()
}

/// Runs `work`, and nobody waits for it.
pub(super) fn begin(work: impl FnOnce() + Send + 'static) {
    let runtime = Handle::current();
    let inside = move || {
        yield_to_clients();
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

/// What runs here, and the threads that it begins, let every thread that serves a client go first.
///
/// PERF: without it, clients wait for milliseconds during a reload, until the system takes the core away from it; with it, a tenth of that.
fn yield_to_clients() {
    // On Linux the priority is that of the one thread (setpriority(2), "C library/kernel differences"). Where it may not be lowered (a
    // filter of system calls), the reload runs as everything else.
    let _ = setpriority_process(Some(gettid()), BEHIND);
}

#[cfg(test)]
mod tests {
    use super::run;

    #[tokio::test]
    async fn what_panics_is_noticed_and_ends_nothing_else() {
        assert_eq!(run(|| 7).await, Some(7));
        let empty: Vec<u8> = Vec::new();
        assert_eq!(run(move || empty[0]).await, None);
    }
}
