// The servers of the file and how they do, and the chats and callbacks of their pairs.

import { badge, byId, make, say } from "./dom.js";
import { count, lasted, shown } from "./format.js";
import { table } from "./table.js";

const TONES = { up: "good", standby: "", down: "bad", unknown: "warn" };

const columns = [
  { label: "Server", sort: (server) => server.server, text: (server) => server.server, tight: true },
  { label: "Kind", sort: (server) => server.kind, text: (server) => server.kind, tight: true },
  { label: "Health", sort: (server) => server.health, cell: condition },
  { label: "Address", sort: (server) => server.url, cell: address },
  { label: "Open streams", sort: (server) => server.streams_open, text: (server) => count(server.streams_open), number: true },
  { label: "New connections", sort: (server) => server.connections_new, text: (server) => count(server.connections_new), number: true },
  { label: "Reused", sort: (server) => server.connections_reused, text: (server) => count(server.connections_reused), number: true },
  { label: "Errors since the start", sort: errors, cell: failures },
];

export function servers() {
  const { show } = table(byId("servers-table"), {
    caption: "Servers",
    columns,
    key: (server) => server.server,
    empty: "The file names no server.",
  });
  return ({ servers }) => {
    show(servers.shown);
    const down = servers.shown.filter((server) => server.health === "down").length;
    say(byId("servers-count"), shown(servers.shown.length, servers.total) + (down ? `, ${count(down)} down` : ""));
  };
}

function condition(cell, { health, since_seconds: since, why }) {
  const more = [`for ${lasted(since)}`, why ?? ""].filter(Boolean).join(": ");
  if (cell.textContent === `${health} ${more}`) return;
  cell.replaceChildren(make("span", {}, badge(health, TONES[health] ?? ""), ` ${more}`));
}

function address(cell, { url, insecure }) {
  const warning = insecure ? " not verified" : "";
  if (cell.textContent === url + warning) return;
  cell.replaceChildren(make("span", {}, url, ...(insecure ? [badge(warning, "warn")] : [])));
}

function errors(server) {
  return Object.values(server.errors).reduce((sum, errors) => sum + errors, 0);
}

function failures(cell, server) {
  const each = Object.entries(server.errors).map(([reason, errors]) => `${reason.replace("upstream_", "")} ${count(errors)}`);
  say(cell, each.length ? each.join(", ") : "none");
  cell.classList.toggle("dim", each.length === 0);
}

export function interactions() {
  const number = (label, name) => ({ label, sort: (pair) => pair[name], text: (pair) => count(pair[name]), number: true });
  const { show } = table(byId("interactions-table"), {
    caption: "Chats and callbacks by pair of servers",
    columns: [
      { label: "Pair", sort: (pair) => pair.pair, text: (pair) => pair.pair },
      number("Chats", "chats"),
      number("Callbacks", "callbacks"),
      number("Starting", "starting"),
      number("In doubt", "in_doubt"),
      number("Not counted since the start", "not_counted_since_start"),
    ],
    key: (pair) => pair.pair,
    empty: "None.",
  });
  return ({ interactions }) => {
    const any = interactions.total > 0;
    byId("interactions-section").hidden = !any;
    byId("to-interactions").hidden = !any;
    const pairs = interactions.total === 1 ? "pair" : "pairs";
    say(byId("interactions-count"), `${shown(interactions.shown.length, interactions.total)} ${pairs}`);
    show(interactions.shown);
  };
}
