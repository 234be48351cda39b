// The gateway itself: certificates, the last reload, the process.

import { announce, badge, byId, facts, say } from "./dom.js";
import { ago, bytes, count, counted, day, lasted, shown } from "./format.js";
import { table } from "./table.js";

const SOON = 14; // days
const DAY = 86400;

export function certificates() {
  let now = 0;
  const { show } = table(byId("certificates-table"), {
    caption: "Certificates, the first to expire at the beginning",
    columns: [
      { label: "File", sort: (one) => one.file, text: (one) => one.file },
      { label: "Good until", sort: (one) => one.not_after_timestamp_seconds, text: (one) => day(one.not_after_timestamp_seconds), tight: true },
      {
        label: "Left",
        sort: (one) => one.not_after_timestamp_seconds,
        cell: (cell, one) => remaining(cell, one.not_after_timestamp_seconds - now),
        tight: true,
      },
    ],
    key: (one) => one.file,
    empty: "The file names no certificate.",
  });
  return ({ certificates, timestamp_seconds: at }) => {
    now = at;
    say(byId("certificates-count"), shown(certificates.shown.length, certificates.total));
    show(certificates.shown);
  };
}

function remaining(cell, seconds) {
  const days = Math.floor(seconds / DAY);
  const word = seconds <= 0 ? "expired" : days === 0 ? "less than a day left" : `${counted(days, "day")} left`;
  const tone = seconds <= 0 ? "bad" : days < 3 ? "bad" : days < SOON ? "warn" : "";
  if (cell.textContent === word) return;
  cell.replaceChildren(tone ? badge(word, tone) : word);
}

const OUTCOMES = {
  applied: ["applied", "good"],
  unchanged: ["nothing had changed", ""],
  refused: ["refused, the old configuration stays", "bad"],
};

export function reload() {
  let known = null; // the process and the number of its reloads that the report is of
  let asking = false;

  async function ask(which) {
    asking = true;
    try {
      const answer = await fetch("/api/reload");
      if (!answer.ok) return;
      const { last } = await answer.json();
      const report = last?.report ?? last?.changes?.join("\n") ?? "";
      say(byId("reload-report"), report);
      byId("reload-report").hidden = !report;
      if (known !== null && last) {
        const mistakes = last.mistakes ? `, ${counted(last.mistakes, "mistake")}` : "";
        announce(`The configuration was reloaded: ${OUTCOMES[last.outcome]?.[0] ?? last.outcome}${mistakes}.`);
      }
      known = which;
    } catch {
      // With the next sample.
    } finally {
      asking = false;
    }
  }

  return ({ reload, process }) => {
    const which = `${process.id} ${reload.reloads}`;
    if (which !== known && !asking) ask(which);
    const hash = reload.hash ? `, hash ${reload.hash}` : "";
    say(byId("reload-count"), `generation ${count(reload.generation)}${hash}`);
    const [word, tone] = reload.last ? (OUTCOMES[reload.last.outcome] ?? [reload.last.outcome, ""]) : ["not reloaded", ""];
    say(byId("reload-outcome"), word);
    byId("reload-outcome").className = `badge ${tone}`.trim();
    say(byId("reload-when"), reload.last ? `by the last reload, ${ago(reload.last.seconds_ago)}` : "since the start of the process");
  };
}

export function process() {
  let before = null;
  return ({ process, predecessor_connections: left, version, ready, timestamp_seconds: at }) => {
    if (before?.id !== process.id) before = null;
    const since = before ? at - before.at : 0;
    const busy = since > 0 ? `${(((process.cpu_seconds - before.cpu) / since) * 100).toFixed(0)} % of one core` : "measuring";
    if (!before || since >= 5) before = { at, id: process.id, cpu: process.cpu_seconds };
    else return;
    say(byId("which"), `version ${version}, running for ${lasted(process.uptime_seconds)}`);
    facts(byId("process-facts"), [
      ["Version", version],
      ["Process", String(process.id)],
      ["Running for", lasted(process.uptime_seconds)],
      ["State", ready ? "ready" : "starting or draining"],
      ["Processor", busy],
      ["Memory", bytes(process.resident_bytes)],
      ["Descriptors", `${count(process.open_fds)} of ${count(process.max_fds)}`],
      ["Threads", count(process.threads)],
      ["Predecessor", left ? `${counted(left, "connection")} of the process before this one to finish` : "nothing left to finish"],
    ]);
  };
}
