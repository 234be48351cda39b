//! The thread that writes. A disk that is full or gone makes it try again, and nobody else wait.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::mem::take;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::{info, warn};

use super::queue::{Queue, Switch, Work};
use crate::observe::line::counted_were;

/// Dropped lines are told of no more often than this.
const TELL: Duration = Duration::from_secs(10);

/// Starts the thread, which ends when the log is closed.
pub(super) fn start(queue: Arc<Queue<PathBuf>>) {
    let of_thread = queue.clone();
    let started = std::thread::Builder::new()
        .name("access-log".to_owned())
        .spawn(move || run(&of_thread));
    if let Err(error) = started {
        warn!("there is no access log: the system gives no thread: {error}");
        queue.give_up();
    }
}

fn run(queue: &Queue<PathBuf>) {
    let mut writer = Writer::default();
    loop {
        let stuck = !writer.waiting.is_empty();
        let emptied = if stuck {
            Vec::new()
        } else {
            take(&mut writer.waiting)
        };
        let work = queue.next(stuck, emptied);
        let closed = work.closed;
        writer.work(work, queue);
        if closed {
            return queue.ended();
        }
    }
}

#[derive(Default)]
struct Writer {
    path: Option<PathBuf>,
    file: Option<File>,
    /// Lines that are not written yet.
    waiting: Vec<u8>,
    /// So much of them is.
    done: usize,
    /// The file has been complained of.
    failing: bool,
    /// The file is to be opened anew, and could not be yet.
    reopening: bool,
    dropped: u64,
    told: Option<Instant>,
}

impl Writer {
    fn work(&mut self, work: Work<PathBuf>, queue: &Queue<PathBuf>) {
        self.dropped += work.dropped;
        for Switch { lines, to } in work.switches {
            // What a full disk does not take at this last try is not for another file.
            for lines in [take(&mut self.waiting), lines] {
                self.waiting = lines;
                if self.write().is_err() {
                    self.give_up(queue);
                }
            }
            *self = Writer {
                path: to,
                dropped: self.dropped,
                told: self.told,
                ..Writer::default()
            };
            let opened = self.open();
            self.judge(opened);
        }
        if !work.lines.is_empty() {
            (self.waiting, self.done) = (work.lines, 0);
        }
        let written = self.write();
        self.judge(written);
        if work.reopen || self.reopening {
            self.reopen(work.reopen, queue);
        }
        if work.closed {
            self.give_up(queue);
        }
        self.tell_dropped();
    }

    /// Writes what waits, from the very byte at which it stopped: a line is whole or not there.
    fn write(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            self.open()?;
        }
        if self.waiting.is_empty() {
            return Ok(());
        }
        let Some(file) = &mut self.file else {
            self.waiting.clear();
            return Ok(());
        };
        while let Some(rest) = self
            .waiting
            .get(self.done..)
            .filter(|rest| !rest.is_empty())
        {
            match file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.waiting.clear();
        self.done = 0;
        Ok(())
    }

    fn open(&mut self) -> io::Result<()> {
        if let Some(path) = &self.path {
            // Addresses of clients are in it.
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o640)
                .open(path)?;
            self.file = Some(file);
        }
        Ok(())
    }

    fn reopen(&mut self, asked: bool, queue: &Queue<PathBuf>) {
        let Some(path) = self.path.clone() else {
            self.reopening = false;
            return;
        };
        match self.open() {
            Ok(()) => {
                self.reopening = false;
                info!("the access log {} is open anew", path.display());
                self.only_whole_lines(queue);
                let written = self.write();
                self.judge(written);
            }
            Err(error) => {
                self.reopening = true;
                if asked {
                    let path = path.display();
                    warn!(
                        "the access log stays in the file that was moved away, {path} cannot be opened: {error}"
                    );
                }
            }
        }
    }

    /// The rest of a line whose beginning is in another file is given up.
    fn only_whole_lines(&mut self, queue: &Queue<PathBuf>) {
        let before = self.waiting.get(..self.done).unwrap_or_default();
        if before.is_empty() || before.ends_with(b"\n") {
            return;
        }
        let rest = self.waiting.get(self.done..).unwrap_or_default();
        let end = rest.iter().position(|&byte| byte == b'\n');
        self.done += end.map_or(rest.len(), |end| end + 1);
        self.dropped += 1;
        queue.lost(1);
    }

    fn give_up(&mut self, queue: &Queue<PathBuf>) {
        let rest = self.waiting.get(self.done..).unwrap_or_default();
        let lines = rest.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.dropped += lines;
        queue.lost(lines);
        self.waiting.clear();
        self.done = 0;
    }

    /// Says when writing begins to fail, and when it works again.
    fn judge(&mut self, result: io::Result<()>) {
        let Some(path) = &self.path else {
            self.failing = false;
            return;
        };
        match result {
            Ok(()) if self.failing => {
                self.failing = false;
                info!("the access log {} is written again", path.display());
            }
            Err(error) if !self.failing => {
                self.failing = true;
                let path = path.display();
                warn!(
                    "the access log {path} cannot be written, and is tried again every second: {error}. Requests go on; lines that find no room are dropped"
                );
            }
            _ => {}
        }
    }

    fn tell_dropped(&mut self) {
        let due = self.told.is_none_or(|told| told.elapsed() >= TELL);
        if self.dropped > 0 && due {
            let dropped = counted_were(self.dropped, "access log line");
            warn!("{dropped} dropped");
            self.dropped = 0;
            self.told = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::{PipeReader, Read, pipe};
    use std::os::fd::OwnedFd;

    use prometheus::IntCounter;
    use rustix::fs::{OFlags, fcntl_setfl};

    use super::*;

    /// A disk that takes 64 KiB and then no more until somebody makes room, in the middle of a line.
    fn narrow(path: PathBuf) -> (Writer, PipeReader, Queue<PathBuf>) {
        let (reader, writer) = pipe().unwrap();
        for end in [
            OwnedFd::from(reader.try_clone().unwrap()),
            writer.try_clone().unwrap().into(),
        ] {
            fcntl_setfl(end, OFlags::NONBLOCK).unwrap();
        }
        let writer = Writer {
            path: Some(path),
            file: Some(OwnedFd::from(writer).into()),
            ..Writer::default()
        };
        (
            writer,
            reader,
            Queue::new(IntCounter::new("dropped", "-").unwrap()),
        )
    }

    fn lines() -> String {
        let mut lines = String::new();
        for number in 0..30_000 {
            let _ = writeln!(lines, "line {number}");
        }
        lines
    }

    fn work(lines: &str) -> Work<PathBuf> {
        Work {
            lines: lines.as_bytes().to_vec(),
            ..Work::default()
        }
    }

    #[test]
    fn what_was_broken_off_goes_on_at_the_very_byte() {
        let (mut writer, mut reader, queue) = narrow("/nowhere".into());
        let lines = lines();
        writer.work(work(&lines), &queue);
        assert!(writer.failing && !writer.waiting.is_empty());
        let mut taken = Vec::new();
        while !writer.waiting.is_empty() {
            // Until there is no more for now.
            let _ = reader.read_to_end(&mut taken);
            writer.work(Work::default(), &queue);
        }
        let _ = reader.read_to_end(&mut taken);
        assert!(!writer.failing && writer.dropped == 0);
        assert!(taken == lines.as_bytes());
    }

    #[test]
    fn a_file_that_is_opened_anew_begins_with_a_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let (mut writer, mut reader, queue) = narrow(path.clone());
        let lines = lines();
        writer.work(work(&lines), &queue);
        let mut taken = Vec::new();
        let _ = reader.read_to_end(&mut taken);
        // The beginning of a line is there, and its rest would be next; but it was moved away.
        writer.file = Some(File::open("/dev/null").unwrap());
        let reopen = Work {
            reopen: true,
            ..Work::default()
        };
        writer.work(reopen, &queue);
        let rest = std::fs::read_to_string(path).unwrap();
        assert!(rest.starts_with("line ") && lines.ends_with(&rest));
        let torn = lines.len() - taken.len() - rest.len();
        assert!((1.."line 30000\n".len()).contains(&torn), "{torn}");
    }
}
