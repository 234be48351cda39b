// The numbers at the top, and the lines below them.

import { byId, make, say } from "./dom.js";
import { chart } from "./chart.js";
import { count, rate, took } from "./format.js";

// Places in a second, as the gateway sends it.
export const [AT, REQUESTS, REFUSED, P50, P99, CONNECTIONS] = [0, 1, 2, 3, 4, 5];

const LOOK = 10; // seconds that the tiles sum up: single ones jump

const TILES = [
  ["Connected users", (sample) => count(sample.users.total)],
  ["Requests per second", (sample, recent) => rate(mean(recent, REQUESTS))],
  ["Answer time, 99 %", (sample, recent) => took(worst(recent, P99))],
  ["Open connections", (sample) => count(sample.second?.[CONNECTIONS])],
  ["Refusals, last minute", (sample) => count(sample.refusals.reduce((sum, one) => sum + one.last_minute, 0))],
  ["Bans", (sample) => count(sample.bans.total)],
];

export function overview() {
  const tiles = TILES.map(([name]) => {
    const value = make("dd");
    byId("tiles").append(make("div", { class: "tile" }, make("dt", {}, name), value));
    return value;
  });
  const perSecond = (number) => `${rate(number)} /s`;
  const drawRate = chart(byId("rate"), {
    title: "Requests per second",
    scale: "linear",
    tick: rate,
    lines: [
      { label: "all", at: REQUESTS, format: perSecond },
      { label: "refused", at: REFUSED, format: perSecond },
    ],
  });
  const drawLatency = chart(byId("latency"), {
    title: "Time to answer",
    scale: "logarithmic",
    tick: took,
    lines: [
      { label: "50 % within", at: P50, format: took },
      { label: "99 % within", at: P99, format: took },
    ],
  });

  let seconds = [];
  let kept = 600;
  const redraw = () => {
    drawRate(seconds);
    drawLatency(seconds);
  };
  return {
    history(history) {
      kept = history.kept_seconds;
      seconds = history.seconds;
      redraw();
    },
    sample(sample) {
      const last = sample.second;
      if (last && last[AT] > (seconds.at(-1)?.[AT] ?? 0)) seconds = [...seconds, last].slice(-kept);
      const recent = seconds.slice(-LOOK);
      TILES.forEach(([, of], at) => say(tiles[at], of(sample, recent)));
      redraw();
    },
  };
}

function mean(seconds, at) {
  if (seconds.length === 0) return null;
  return seconds.reduce((sum, second) => sum + second[at], 0) / seconds.length;
}

function worst(seconds, at) {
  const known = seconds.map((second) => second[at]).filter((value) => value != null);
  return known.length ? Math.max(...known) : null;
}
