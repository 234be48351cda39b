//! Every family of metrics at the end of the morning, against what the load and the servers have counted, and against the system.

use std::collections::BTreeMap;

use super::center::{CERTIFICATE, Center};
use super::judge::Judge;
use super::ledger::{Counts, Ledger};

fn counts<const N: usize>(of: &[([&str; N], u64)]) -> Counts {
    let owned = |labels: &[&str; N]| labels.iter().map(|label| (*label).to_owned()).collect();
    of.iter()
        .map(|(labels, number)| (owned(labels), *number))
        .collect()
}

/// Requests, their times, their bytes.
pub async fn requests(judge: &mut Judge<'_>, ledger: &Ledger) {
    let labels = ["route", "server", "method", "code"];
    let (requests, durations, upstream, received, sent) = ledger.read(|all| {
        (
            all.requests.clone(),
            all.durations.clone(),
            all.upstream_durations.clone(),
            all.received.clone(),
            all.sent.clone(),
        )
    });
    let name = "portcullis_requests_total";
    judge.exactly(name, name, &labels, &requests).await;
    for (name, labels, right) in [
        (
            "portcullis_request_duration_seconds",
            &["route"][..],
            durations,
        ),
        (
            "portcullis_upstream_duration_seconds",
            &["route", "server"],
            upstream,
        ),
    ] {
        for expression in [
            format!("{name}_count"),
            format!("{name}_bucket{{le=\"+Inf\"}}"),
        ] {
            judge.exactly(name, &expression, labels, &right).await;
        }
        // Nobody here has waited for longer than the longest bucket, and each has waited.
        judge
            .exactly(name, &format!("{name}_bucket{{le=\"60\"}}"), labels, &right)
            .await;
        let none = counts::<1>(&[]);
        judge
            .exactly(
                name,
                &format!("{name}_sum <= 0 and {name}_count > 0"),
                labels,
                &none,
            )
            .await;
    }
    for (name, right) in [
        ("portcullis_request_bytes_total", received),
        ("portcullis_response_bytes_total", sent),
    ] {
        judge.exactly(name, name, &["route"], &right).await;
    }
}

/// Refusals and bans. `STRANGER` is banned, and another one was observed.
pub async fn limits(judge: &mut Judge<'_>, ledger: &Ledger) {
    let (refusals, observed) = ledger.read(|all| (all.refusals.clone(), all.observed.clone()));
    let name = "portcullis_refusals_total";
    judge
        .exactly(
            name,
            &format!("{name}{{mode=\"enforce\"}}"),
            &["reason"],
            &refusals,
        )
        .await;
    judge
        .exactly(
            name,
            &format!("{name}{{mode=\"observe\"}}"),
            &["reason"],
            &observed,
        )
        .await;
    judge.one("portcullis_bans", 1.0).await;
    judge.one("portcullis_bans_started_total", 1.0).await;
    judge.one("portcullis_tracked_addresses", 2.0).await;
    judge.one("portcullis_untracked_total", 0.0).await;
    judge.one("portcullis_missed_bans_total", 0.0).await;
    judge.one("portcullis_unlisted_users_total", 0.0).await;
    let name = "portcullis_admin_refusals_total";
    let none = Counts::new();
    judge.exactly(name, name, &["reason"], &none).await;
}

/// Connections of clients: those that are held open, and all handshakes there were.
pub async fn connections(judge: &mut Judge<'_>, ledger: &Ledger, held: &[([&str; 2], u64)]) {
    let all = held.iter().map(|(_, number)| *number).sum::<u64>();
    judge.one("portcullis_connections_open", all as f64).await;
    let name = "portcullis_listener_connections_open";
    judge
        .exactly(name, name, &["listener", "protocol"], &counts(held))
        .await;
    let handshakes = ledger.read(|all| all.handshakes.clone());
    let done = handshakes.iter().filter(|(labels, _)| labels[1] == "done");
    let done = done.map(|(_, number)| *number).sum::<u64>();
    let name = "portcullis_tls_handshakes_total";
    judge
        .exactly(name, name, &["version", "outcome"], &handshakes)
        .await;
    let name = "portcullis_tls_handshake_duration_seconds";
    let right = counts(&[([], done)]);
    for series in ["count", "bucket{le=\"+Inf\"}"] {
        judge
            .exactly(name, &format!("{name}_{series}"), &[], &right)
            .await;
    }
}

const CONNECT: &str = "portcullis_upstream_connect_duration_seconds";

/// How servers are, and how many probes each has had: one at the start, and one for each time that requests gave reason.
async fn health(judge: &mut Judge<'_>) -> Counts {
    let up = [
        "icserver1",
        "icserver2",
        "chat1",
        "chat2",
        "search1",
        "echo",
    ];
    let up: Vec<_> = up.into_iter().map(|server| ([server], 1)).collect();
    let name = "portcullis_upstream_up";
    judge.exactly(name, name, &["server"], &counts(&up)).await;
    let all = counts(&[([], 7)]);
    judge
        .exactly(name, &format!("count({name})"), &[], &all)
        .await;
    let name = "portcullis_upstream_standby";
    let standby = counts(&[(["chat2"], 1)]);
    judge.exactly(name, name, &["server"], &standby).await;
    let name = "portcullis_upstream_health_changes_total";
    // From unknown to what it is; and the server that was gone for a while went down and came back.
    let all_but_one = format!("{name}{{server!=\"icserver1\"}}");
    let rest =
        ["icserver2", "chat1", "chat2", "search1", "echo", "gone"].map(|server| ([server], 1));
    judge
        .exactly(name, &all_but_one, &["server"], &counts(&rest))
        .await;
    let back = format!("{name}{{server=\"icserver1\"}} % 2");
    judge
        .exactly(name, &back, &["server"], &counts(&[(["icserver1"], 1)]))
        .await;
    let name = "portcullis_upstream_probe_duration_seconds";
    let took = format!("count({name} > 0 and {name} < 60)");
    judge.exactly(name, &took, &[], &all).await;
    let name = "portcullis_upstream_probes_total";
    let probes = judge
        .series(name, &format!("sum by (server) ({name})"))
        .await;
    let probes = probes
        .iter()
        .map(|sample| (vec![sample.label("server").to_owned()], sample.value as u64));
    probes.collect()
}

/// Servers, by what they have seen themselves. One WebSocket is open.
pub async fn servers(judge: &mut Judge<'_>, center: &Center, ledger: &Ledger) {
    let (connected, errors) =
        ledger.read(|all| (all.connected.clone(), all.upstream_errors.clone()));
    let name = "portcullis_upstream_requests_total";
    judge
        .exactly(
            name,
            &format!("sum by (server) ({name})"),
            &["server"],
            &connected,
        )
        .await;
    let probes = health(judge).await;
    let probed = |server: &str| probes.get(&vec![server.to_owned()]).copied().unwrap_or(0);
    let accepted = [
        ("icserver1", center.icserver1.wire().accepted()),
        ("icserver2", center.icserver2.wire().accepted()),
        ("chat1", center.chat.a.wire().accepted()),
        ("chat2", center.chat.b.wire().accepted()),
        ("search1", center.search1.wire().accepted()),
        ("echo", center.echo.seen().len() as u64),
    ];
    let own = |(server, accepted): (&'static str, u64)| ([server], accepted - probed(server));
    let new: Vec<_> = accepted.into_iter().map(own).collect();
    let new = counts(&new);
    for (name, expression) in [
        (name, format!("{name}{{connection=\"new\"}}")),
        (CONNECT, format!("{CONNECT}_count")),
        (CONNECT, format!("{CONNECT}_bucket{{le=\"+Inf\"}}")),
    ] {
        judge.exactly(name, &expression, &["server"], &new).await;
    }
    let name = "portcullis_upstream_errors_total";
    judge
        .exactly(name, name, &["server", "reason"], &errors)
        .await;
    let name = "portcullis_streams_open";
    judge
        .exactly(
            name,
            name,
            &["server", "type"],
            &counts(&[(["echo", "websocket"], 1)]),
        )
        .await;
    let name = "portcullis_upstream_insecure";
    judge
        .exactly(name, name, &["server"], &counts(&[(["gone"], 1)]))
        .await;
    judge
        .exactly(
            "portcullis_interactions",
            "portcullis_interactions",
            &["pair", "type"],
            &Counts::new(),
        )
        .await;
    let name = "portcullis_connected_users";
    judge
        .exactly(name, name, &["kind", "server"], &Counts::new())
        .await;
    // Who has nobody is shown with 0.
    let kinds = counts(&[(["icws"], 2), (["webchat"], 2), (["webtools"], 2)]);
    judge
        .exactly(
            name,
            &format!("count by (kind) ({name})"),
            &["kind"],
            &kinds,
        )
        .await;
}

/// What runs: `since` is the span in which the last good configuration was read.
pub async fn configuration(judge: &mut Judge<'_>, center: &Center, hash: &str, since: (f64, f64)) {
    judge
        .one("portcullis_config_last_reload_successful", 0.0)
        .await;
    let name = "portcullis_config_last_reload_success_timestamp_seconds";
    judge.within(name, since.0.floor()..=since.1).await;
    let outcomes = [(["applied"], 1), (["unchanged"], 1), (["refused"], 1)];
    let name = "portcullis_config_reloads_total";
    judge
        .exactly(name, name, &["outcome"], &counts(&outcomes))
        .await;
    judge.one("portcullis_config_generation", 2.0).await;
    let name = "portcullis_config_info";
    judge
        .exactly(name, name, &["hash"], &counts(&[([hash], 1)]))
        .await;
    let name = "portcullis_build_info";
    judge
        .exactly(
            name,
            name,
            &["version"],
            &counts(&[([env!("CARGO_PKG_VERSION")], 1)]),
        )
        .await;
    let pem = std::fs::read(center.file(CERTIFICATE)).unwrap();
    let certificate = openssl::x509::X509::from_pem(&pem).unwrap();
    let epoch = openssl::asn1::Asn1Time::from_unix(0).unwrap();
    let until = epoch.diff(certificate.not_after()).unwrap();
    let until = i64::from(until.days) * 86_400 + i64::from(until.secs);
    let name = "portcullis_certificate_expiry_timestamp_seconds";
    judge
        .exactly(
            name,
            name,
            &["file"],
            &counts(&[([CERTIFICATE], until as u64)]),
        )
        .await;
    let name = "portcullis_access_log_dropped_total";
    judge
        .exactly(name, &format!("sum({name})"), &[], &Counts::new())
        .await;
    judge.one("portcullis_predecessor_connections", 0.0).await;
}

/// How many descriptors the gateway has open, as the system sees it.
pub fn open_files(center: &Center) -> f64 {
    let folder = format!("/proc/{}/fd", center.gateway.id());
    std::fs::read_dir(folder).unwrap().count() as f64
}

/// The process, as the system sees it, with what it had `open` before the scrape.
pub async fn process(judge: &mut Judge<'_>, center: &Center, started: (f64, f64), open: f64) {
    let folder = format!("/proc/{}", center.gateway.id());
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    let (status, limits) = (read("status"), read("limits"));
    let numbers: BTreeMap<&str, f64> = status
        .lines()
        .chain(limits.lines())
        .filter_map(|line| {
            let key = ["VmSize:", "VmRSS:", "Threads:", "Max open files"]
                .into_iter()
                .find(|key| line.starts_with(key))?;
            let rest = line.strip_prefix(key)?;
            Some((key, rest.split_whitespace().next()?.parse().ok()?))
        })
        .collect();
    let about = |number: f64, by: f64| number / by..=number * by;
    judge
        .one("process_max_fds", numbers["Max open files"])
        .await;
    // Pooled connections to servers come to their end meanwhile, and each question about metrics is a connection.
    let (before, now) = (open, open_files(center));
    let span = before.min(now) - 3.0..=before.max(now) + 3.0;
    judge.within("process_open_fds", span).await;
    judge
        .within(
            "process_virtual_memory_bytes",
            about(numbers["VmSize:"] * 1024.0, 1.2),
        )
        .await;
    judge
        .within(
            "process_resident_memory_bytes",
            about(numbers["VmRSS:"] * 1024.0, 1.5),
        )
        .await;
    judge
        .within("process_threads", about(numbers["Threads:"], 1.5))
        .await;
    judge
        .within("process_start_time_seconds", started.0..=started.1)
        .await;
    let stat = read("stat");
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    // utime and stime, in hundredths of a second: so much by now.
    judge
        .within(
            "process_cpu_seconds_total",
            0.1..=(ticks(11) + ticks(12)) / 100.0,
        )
        .await;
}
