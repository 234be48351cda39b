//! Starts a new process from the program's file, which may be a newer one by now.
//!
//! ```text
//! this process ── a process that only starts another and ends ── the new process, a child of PID 1 by then
//! ```
//!
//! systemd does not wait for the end of a main process that was somebody else's child when it heard of it: it kills it, instead of letting
//! it finish, with the next `stop` (systemd 252 and 257, `unit_kill_context` with `main_pid_alien`).

use std::ffi::OsString;
use std::io::{self, Write, stderr};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use log::{info, warn};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::sleep;

static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();

/// The program of this process, also after a package has put another one in the place of its file (proc_pid_exe(5)).
const MYSELF: &str = "/proc/self/exe";

/// The first argument of the process in between.
const APART: &str = "start-apart";

/// How often a process that starts is looked after.
const LOOK: Duration = Duration::from_millis(100);
/// How often the one in between is looked after, a second in all.
const LOOKS: usize = 200;
const BETWEEN: Duration = Duration::from_millis(5);
const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// Where the program's file is. To be asked once at the start: once a package has replaced the file, the system only knows that this one
/// was deleted.
pub(super) fn remember_program() {
    PROGRAM.get_or_init(|| std::env::current_exe().ok());
}

/// Starts it beside this process; it asks for the sockets by itself. As long as `watched` is there its end is told, for that is a failure
/// while this process still waits.
pub(super) async fn start(file: &Path, watched: &mut JoinSet<()>) {
    let Some(program) = PROGRAM.get().cloned().flatten() else {
        return warn!("SIGUSR2: the system does not say where the program is");
    };
    let told = program.display();
    // Before: a quick one has taken over when its number is known.
    info!("SIGUSR2: a new process starts from {told} to take over");
    match begin(&program, file).await {
        Ok(pid) => {
            watched.spawn(async move {
                match end(pid).await {
                    Ok(()) => warn!("process {pid} has ended; this one goes on"),
                    Err(error) => warn!("process {pid}: {error}"),
                }
            });
        }
        Err(error) => warn!("SIGUSR2: {told} cannot be started: {error}"),
    }
}

async fn begin(program: &Path, file: &Path) -> io::Result<i32> {
    let arguments: [OsString; 6] = [
        APART.into(),
        program.into(),
        "run".into(),
        "--take-over".into(),
        "-c".into(),
        file.into(),
    ];
    let between = Command::new(MYSELF)
        .args(arguments)
        // This process's own, which its successor must not take for a promise.
        .env_remove("WATCHDOG_PID")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // Not `output()`: it would take standard error too, and that is where the new process writes its log.
        .spawn()?
        .wait_with_output()
        .await?;
    let said = String::from_utf8_lossy(&between.stdout);
    said.trim().parse().map_err(|_| match said.trim() {
        "" => io::Error::other(between.status.to_string()),
        why => io::Error::other(why.to_owned()),
    })
}

/// Returns when the process is no longer a child of the one in between, which takes a millisecond and must not take longer than this one
/// waits with its word to systemd.
pub(super) async fn stands_alone(pid: u32) {
    let us = Some(std::process::id());
    let is_below_us = || {
        let above = parent(pid);
        above == us || above.and_then(parent) == us
    };
    for _ in 0..LOOKS {
        if !is_below_us() {
            return;
        }
        sleep(BETWEEN).await;
    }
    warn!("process {pid} is still somebody's child: systemd will not wait for its end");
}

/// proc_pid_stat(5): the name in parentheses is field 2, the parent field 4.
fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

/// Returns when the process has ended. Nobody but its parent learns how.
async fn end(pid: i32) -> io::Result<()> {
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    // It is readable when the process has ended (pidfd_open(2)).
    while poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&AT_ONCE))? == 0 {
        sleep(LOOK).await;
    }
    Ok(())
}

/// What runs in between, where that is what the process was started for: starts the program, says its number or why there is none, and
/// ends. No command, for it is nothing that anybody would type.
pub(in crate::cli) fn apart() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != APART {
        return None;
    }
    let program = arguments.next()?;
    // Its standard output is this process's word to whoever has started it.
    let out = stderr().as_fd().try_clone_to_owned();
    let begun = out.and_then(|out| {
        let mut command = std::process::Command::new(program);
        command.args(arguments).stdout(out).spawn()
    });
    let (said, code) = match begun {
        Ok(child) => (child.id().to_string(), ExitCode::SUCCESS),
        Err(error) => (error.to_string(), ExitCode::FAILURE),
    };
    // Whoever has started it has ended meanwhile.
    let _ = writeln!(io::stdout(), "{said}");
    Some(code)
}
