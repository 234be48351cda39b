//! The process itself, under the names that every Prometheus client uses.
//!
//! ```text
//! process_resident_memory_bytes 41943040
//! process_open_fds 37
//! ```

use std::fs;
use std::time::{Instant, SystemTime};

use prometheus::core::Collector;
use prometheus::{Counter, Gauge, IntGauge, Opts, Registry};
use serde_json::{Value, json};

use super::families::{register, sound};

/// Ticks of `/proc/self/stat` in a second: the kernel's promise to programs, whatever it counts in itself (proc(5), `USER_HZ`).
const TICKS: f64 = 100.0;

/// Read off `/proc` with each scrape.
pub struct ProcessMetrics {
    began: Instant,
    cpu: Counter,
    open_fds: IntGauge,
    max_fds: IntGauge,
    virtual_memory: IntGauge,
    resident_memory: IntGauge,
    threads: IntGauge,
}

impl ProcessMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let start = plain(
            registry,
            Gauge::new("process_start_time_seconds", "When the process began."),
        );
        start.set(started.map_or(0.0, |since| since.as_secs_f64()));
        let gauge =
            |name: &str, help: &str| plain(registry, IntGauge::with_opts(Opts::new(name, help)));
        ProcessMetrics {
            began: Instant::now(),
            cpu: plain(
                registry,
                Counter::new(
                    "process_cpu_seconds_total",
                    "Processor time, in user and kernel mode.",
                ),
            ),
            open_fds: gauge("process_open_fds", "Descriptors that are open."),
            max_fds: gauge("process_max_fds", "Descriptors that may be open."),
            virtual_memory: gauge("process_virtual_memory_bytes", "Address space."),
            resident_memory: gauge("process_resident_memory_bytes", "Memory that is in use."),
            threads: gauge("process_threads", "Threads."),
        }
    }

    /// What was read last, for the dashboard.
    pub fn told(&self) -> Value {
        json!({
            "id": std::process::id(),
            "uptime_seconds": self.began.elapsed().as_secs(),
            "cpu_seconds": self.cpu.get(),
            "resident_bytes": self.resident_memory.get(),
            "open_fds": self.open_fds.get(),
            "max_fds": self.max_fds.get(),
            "threads": self.threads.get(),
        })
    }

    /// Reads everything anew. What cannot be read stays as it was.
    pub fn read(&self) {
        if let Some(seconds) = cpu_seconds() {
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // One of them is this look itself.
            let open = i64::try_from(open.count()).unwrap_or(i64::MAX);
            self.open_fds.set(open - 1);
        }
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let most = limit.current.and_then(|most| i64::try_from(most).ok());
        self.max_fds.set(most.unwrap_or(i64::MAX));
        let Ok(status) = fs::read_to_string("/proc/self/status") else {
            return;
        };
        let number = |key: &str| -> Option<i64> {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            line.split_whitespace().next()?.parse().ok()
        };
        for (key, unit, gauge) in [
            ("VmSize:", 1024, &self.virtual_memory),
            ("VmRSS:", 1024, &self.resident_memory),
            ("Threads:", 1, &self.threads),
        ] {
            if let Some(number) = number(key) {
                gauge.set(number.saturating_mul(unit));
            }
        }
    }
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may have blanks and brackets in it.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let kernel: f64 = fields.next()?.parse().ok()?;
    Some((user + kernel) / TICKS)
}

fn plain<M: Collector + Clone + 'static>(
    registry: &Registry,
    made: Result<M, prometheus::Error>,
) -> M {
    let metric = sound(made);
    register(registry, metric.clone());
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_seen_as_it_is() {
        let metrics = ProcessMetrics::new(&Registry::new());
        metrics.read();
        assert!(metrics.resident_memory.get() > 1 << 20);
        assert!(metrics.virtual_memory.get() >= metrics.resident_memory.get());
        assert!(metrics.open_fds.get() >= 3 && metrics.max_fds.get() > metrics.open_fds.get());
        assert!(metrics.threads.get() >= 1);
        let before = metrics.cpu.get();
        metrics.read();
        assert!(metrics.cpu.get() >= before);
    }
}
