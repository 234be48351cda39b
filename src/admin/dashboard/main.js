// Puts the page together: one stream in, one part of the page for each kind of news.

import { announce, byId, say } from "./dom.js";
import { lasted, timeOfDay } from "./format.js";
import { bans } from "./bans.js";
import { certificates, process, reload } from "./gateway.js";
import { interactions, servers } from "./servers.js";
import { listen } from "./live.js";
import { overview } from "./overview.js";
import { refusals } from "./refusals.js";
import { users } from "./users.js";

const STATES = {
  connecting: ["connecting", ""],
  live: ["live", "good"],
  stale: ["not live", "bad"],
  over: ["not live", "bad"],
};

const top = overview();
const parts = [top.sample, users(), servers(), interactions(), bans(), refusals(), reload(), certificates(), process()];
let last = "connecting";

listen({
  history(history) {
    byId("sign-out").hidden = !history.signed_in;
    top.history(history);
  },
  sample(sample) {
    for (const part of parts) part(sample);
    say(byId("as-of"), timeOfDay(sample.timestamp_seconds * 1000));
  },
  state(state, why, heard) {
    const [word, tone] = STATES[state];
    say(byId("state"), word);
    byId("state").className = `badge ${tone}`.trim();
    document.body.dataset.state = state === "over" ? "stale" : state;
    const notice = byId("notice");
    notice.hidden = state === "live";
    if (state !== "live") {
      say(notice, `${why} What is below is of ${timeOfDay(heard)}, ${lasted((Date.now() - heard) / 1000)} ago.`);
    }
    // Once, and not every second.
    if (state !== last && !(state === "live" && last === "connecting")) announce(state === "live" ? "Live again." : `Not live. ${why}`);
    last = state;
  },
});
