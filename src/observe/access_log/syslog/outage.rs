//! A receiver that cannot be reached or takes nothing: when it is tried again, and the one line about it and the one when it is back.
//!
//! ```text
//! WARN the access log cannot be sent to tls://logs.example.com:6514: Connection refused ... It is tried again and again; ...
//! INFO the access log is sent to tls://logs.example.com:6514 again; 4711 lines were lost meanwhile
//! ```

use std::io;
use std::time::{Duration, Instant};

use log::{info, warn};

use crate::config::value::SyslogUrl;
use crate::observe::line::counted_were;

/// The first pause between two tries, and the longest: each is twice the one before.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(8);
/// Lost lines of a receiver that is too slow, and not gone, are told of no more often than this.
const TELL: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Outage {
    /// There is one, and it has been told of.
    on: bool,
    pause: Duration,
    /// No try before that.
    next: Option<Instant>,
    /// Lines that nobody has been told of yet.
    lost: u64,
    told: Option<Instant>,
}

impl Outage {
    pub(super) fn is_on(&self) -> bool {
        self.on
    }

    pub(super) fn may_try(&self) -> bool {
        self.next.is_none_or(|next| Instant::now() >= next)
    }

    pub(super) fn lost(&mut self, lines: u64) {
        self.lost += lines;
    }

    /// Another receiver, or none.
    pub(super) fn forget(&mut self) {
        *self = Outage {
            lost: self.lost,
            told: self.told,
            ..Outage::default()
        };
    }

    pub(super) fn failed(&mut self, url: &SyslogUrl, error: &io::Error) {
        let stuck = error.kind() == io::ErrorKind::WouldBlock;
        if !stuck {
            self.pause = (self.pause * 2).clamp(SHORTEST, LONGEST);
            self.next = Some(Instant::now() + self.pause);
        }
        if std::mem::replace(&mut self.on, true) {
            return;
        }
        let why = match stuck {
            true => "it takes no more lines".to_owned(),
            false => error.to_string(),
        };
        warn!(
            "the access log cannot be sent to {url}: {why}. It is tried again and again; requests go on; lines that find no room are dropped"
        );
    }

    pub(super) fn is_over(&mut self, url: &SyslogUrl) {
        (self.pause, self.next) = (Duration::ZERO, None);
        if !std::mem::take(&mut self.on) {
            return;
        }
        let lost = std::mem::take(&mut self.lost);
        let lost = counted_were(lost, "line");
        info!("the access log is sent to {url} again; {lost} lost meanwhile");
    }

    /// What was lost without an outage.
    pub(super) fn tell(&mut self) {
        let due = self.told.is_none_or(|told| told.elapsed() >= TELL);
        if self.lost > 0 && due && !self.on {
            warn!(
                "{} not sent to syslog",
                counted_were(self.lost, "access log line")
            );
            self.lost = 0;
            self.told = Some(Instant::now());
        }
    }
}
