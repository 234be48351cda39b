// Who is banned, and the one thing that this page can change: a ban is lifted, after a second question.

import { announce, byId, make, say } from "./dom.js";
import { count, lasted, shown } from "./format.js";
import { table } from "./table.js";

const asked = new Set(); // addresses that are asked about
const sent = new Set(); // addresses whose ban is being lifted

const columns = [
  { label: "Address", sort: (ban) => ban.address, text: (ban) => ban.address, tight: true },
  { label: "Time left", sort: (ban) => ban.seconds_left, text: (ban) => lasted(ban.seconds_left), number: true },
  { label: "Began", sort: (ban) => ban.seconds_since, text: (ban) => `${lasted(ban.seconds_since)} ago`, number: true },
  { label: "Cause", sort: (ban) => ban.cause, text: (ban) => ban.cause },
  { label: "Refused since", sort: (ban) => ban.refused_since, text: (ban) => count(ban.refused_since), number: true },
  { label: "", cell: action },
];

export function bans() {
  const { show } = table(byId("bans-table"), {
    caption: "Banned addresses",
    columns,
    key: (ban) => ban.address,
    empty: "Nobody is banned.",
  });
  return ({ bans }) => {
    const banned = new Set(bans.shown.map((ban) => ban.address));
    for (const address of sent) if (!banned.has(address)) sent.delete(address);
    for (const address of asked) if (!banned.has(address)) asked.delete(address);
    keepFocus(() => show(bans.shown));
    say(byId("bans-count"), shown(bans.shown.length, bans.total));
  };
}

/** A row that goes takes the focus with it: it then stays at the heading, and not at the top of the page. */
function keepFocus(change) {
  const within = byId("bans-table").contains(document.activeElement);
  change();
  if (within && !byId("bans-table").contains(document.activeElement)) byId("bans").focus();
}

function action(cell, ban) {
  const state = sent.has(ban.address) ? "sent" : asked.has(ban.address) ? "asked" : "idle";
  if (cell.dataset.state === state) return;
  const had = cell.contains(document.activeElement);
  const first = cell.dataset.state === undefined;
  cell.dataset.state = state;
  cell.classList.add("number");
  const turn = (change) => {
    change();
    action(cell, ban);
  };
  const ask = () => turn(() => asked.add(ban.address));
  const keep = () => turn(() => asked.delete(ban.address));
  const build = {
    idle: () => [button("Lift", `Lift the ban of ${ban.address}`, "act", ask)],
    asked: () => {
      const sure = button("Yes, lift", `Yes, lift the ban of ${ban.address}`, "act sure", () => lift(cell, ban));
      const question = make("div", { class: "ask", role: "group", "aria-label": `Lift the ban of ${ban.address}?` });
      question.append("Sure?", sure, button("Keep", `Keep the ban of ${ban.address}`, "act", keep));
      question.addEventListener("keydown", (event) => event.key === "Escape" && keep());
      return [question];
    },
    sent: () => {
      const waits = button("Lifting", `Lifting the ban of ${ban.address}`, "act", () => {});
      waits.setAttribute("aria-disabled", "true");
      return [waits];
    },
  };
  cell.replaceChildren(...build[state]());
  // Where the focus was, there is something else now.
  if (had && !first) cell.querySelector("button")?.focus();
}

function button(text, name, style, click) {
  const made = make("button", { type: "button", class: style, "aria-label": name }, text);
  made.addEventListener("click", click);
  return made;
}

async function lift(cell, ban) {
  asked.delete(ban.address);
  sent.add(ban.address);
  action(cell, ban);
  const why = await post(ban.address);
  if (why === null) {
    announce(`The ban of ${ban.address} is lifted.`);
    return;
  }
  sent.delete(ban.address);
  action(cell, ban);
  announce(`The ban of ${ban.address} was not lifted: ${why}`);
  say(byId("bans-count"), `${ban.address} was not lifted: ${why}`);
}

/** Why it was not lifted, null if it was. */
async function post(address) {
  try {
    const answer = await fetch("/api/bans/lift", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ address }),
    });
    if (answer.ok) return null;
    const told = await answer.json().catch(() => ({}));
    return told.error ?? `the gateway answered ${answer.status}`;
  } catch {
    return "the gateway did not answer";
  }
}
