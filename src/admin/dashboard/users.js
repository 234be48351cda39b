// Who is connected. The list is filtered here as long as everybody is in it, and by the gateway otherwise.

import { announce, badge, byId, make, say } from "./dom.js";
import { NONE, ago, count, counted, lasted, shown } from "./format.js";
import { table } from "./table.js";

const PAUSE = 400; // milliseconds after the last key
const AGAIN = 5; // samples between two questions to the gateway

const columns = [
  { label: "User", sort: (user) => user.user, cell: named },
  { label: "Kind", sort: (user) => user.kind, text: (user) => user.kind, tight: true },
  { label: "Server", sort: (user) => user.server, text: (user) => user.server, tight: true },
  { label: "Client address", sort: (user) => user.address, text: (user) => user.address, tight: true },
  { label: "Connected for", sort: (user) => user.seconds_since, text: (user) => lasted(user.seconds_since), number: true },
  { label: "Last activity", sort: (user) => user.seconds_idle, text: (user) => ago(user.seconds_idle), number: true },
  { label: "Live channel", sort: (user) => (user.live ? "open" : "none"), cell: channel, tight: true },
  { label: "Requests", sort: (user) => user.requests, text: (user) => count(user.requests), number: true },
];

export function users() {
  const { show } = table(byId("users-table"), {
    caption: "Connected users",
    columns,
    key: (user) => [user.kind, user.server, user.user, user.address].join("\n"),
    empty: "Nobody.",
  });
  const field = byId("find");
  let last = null; // what the gateway sent
  let found = null; // what it found for the text in the field
  let until = 0;
  let typing = null;

  function render() {
    const text = field.value.trim().toLowerCase();
    const all = text && found ? found : last;
    const rows = text && !found ? last.shown.filter((user) => matches(user, text)) : all.shown;
    show(rows);
    const some = text && !found ? `${count(rows.length)} of ${count(last.total)} match` : `${shown(rows.length, all.total)}${text ? " match" : ""}`;
    const missed = last.not_listed_since_start;
    say(byId("users-count"), some + (missed ? `; ${counted(missed, "sign-in")} found no room in the list` : ""));
    return rows.length;
  }

  async function ask() {
    const text = field.value.trim();
    if (!text || !last || last.total <= last.shown.length) {
      found = null;
      return;
    }
    until = AGAIN;
    try {
      const answer = await fetch(`/api/live/users?find=${encodeURIComponent(text)}`);
      if (answer.ok && text === field.value.trim()) found = await answer.json();
    } catch {
      // The page says by itself that the gateway is not there.
    }
  }

  field.addEventListener("input", () => {
    if (!last) return;
    found = null;
    render();
    clearTimeout(typing);
    typing = setTimeout(async () => {
      await ask();
      const rows = render();
      if (field.value) announce(`${counted(rows, "user")} shown`);
    }, PAUSE);
  });

  return async (sample) => {
    last = sample.users;
    chips(last.connected);
    until -= 1;
    if (found && until <= 0) await ask();
    render();
  };
}

function matches(user, text) {
  return [user.user ?? "", user.kind, user.server, user.address].some((part) => part.toLowerCase().includes(text));
}

function named(cell, { user, kind }) {
  const name = user ?? (kind === "icws" ? "not known" : "a visitor");
  say(cell, name);
  cell.classList.toggle("dim", user === null);
}

function channel(cell, { live }) {
  const word = live ? "open" : NONE;
  if (cell.textContent === word) return;
  cell.replaceChildren(live ? badge(word, "good") : word);
}

function chips(connected) {
  const list = byId("connected");
  list.hidden = connected.length === 0;
  while (list.children.length > connected.length) list.lastElementChild.remove();
  connected.forEach(({ kind, server, users }, at) => {
    const chip = list.children[at] ?? list.appendChild(make("li", {}, make("span"), make("strong")));
    say(chip.children[0], `${server} (${kind})`);
    say(chip.children[1], count(users));
  });
}
