// What the gateway itself refused, by reason. Reasons of which nothing happened since the start are left out.

import { byId, say } from "./dom.js";
import { count, counted } from "./format.js";
import { table } from "./table.js";

const columns = [
  { label: "Reason", sort: (refusal) => refusal.reason, text: (refusal) => refusal.reason },
  { label: "Last minute", sort: (refusal) => refusal.last_minute, text: (refusal) => count(refusal.last_minute), number: true },
  { label: "Since the start", sort: (refusal) => refusal.since_start, text: (refusal) => count(refusal.since_start), number: true },
  {
    label: "Only observed",
    sort: (refusal) => refusal.observed_since_start,
    text: (refusal) => count(refusal.observed_since_start),
    number: true,
  },
];

export function refusals() {
  const { show } = table(byId("refusals-table"), {
    caption: "Refusals by reason",
    columns,
    key: (refusal) => refusal.reason,
    empty: "None since the start.",
  });
  return ({ refusals }) => {
    // What happens now comes first.
    show(refusals.toSorted((one, other) => other.last_minute - one.last_minute || other.since_start - one.since_start));
    const sum = refusals.reduce((sum, one) => sum + one.last_minute, 0);
    say(byId("refusals-count"), `${counted(sum, "refusal")} in the last minute`);
  };
}
