// Two lines over the last ten minutes, drawn from the samples. The pointer, or the arrow keys, read single seconds.

import { attribute, draw, make, say } from "./dom.js";
import { timeOfDay } from "./format.js";

const WINDOW = 600; // seconds
const HEIGHT = 180;
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 8, 8, 22];
const MARKS = [[600, "10 min ago"], [450, ""], [300, "5 min ago"], [150, ""], [0, "now"]];

/**
 * lines: two of { label, at: index in a second, format }. scale: "linear" or "logarithmic"; tick formats its marks.
 */
export function chart(figure, { title, lines, scale, tick }) {
  const values = lines.map(() => make("span"));
  const legend = make("ul", { class: "legend" });
  lines.forEach((line, at) => {
    legend.append(make("li", { class: at ? "second" : "first" }, `${line.label} `, values[at]));
  });
  const when = make("span", { class: "at" });
  const caption = make("figcaption", {}, make("span", { class: "title" }, title), when, legend);
  const svg = draw("svg", { role: "img", tabindex: "0", "aria-label": `${title}: no data yet` });
  figure.append(caption, svg);

  let seconds = [];
  let read = null; // milliseconds since 1970 of the second that is read, null for the last one

  const x = (at, end, width) => LEFT + (1 - (end - at) / 1000 / WINDOW) * (width - LEFT - RIGHT);

  function render() {
    const width = Math.max(240, svg.clientWidth || 600);
    attribute(svg, "viewBox", `0 0 ${width} ${HEIGHT}`);
    const last = seconds.at(-1);
    if (!last) return svg.replaceChildren();
    const end = last[0];
    const within = seconds.filter(([at]) => end - at <= WINDOW * 1000);
    const { y, marks } = axis(scale, within.flatMap((second) => lines.map((line) => second[line.at])));
    const parts = [];
    for (const mark of marks) {
      parts.push(draw("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(mark), y2: y(mark) }));
      parts.push(draw("text", { x: LEFT - 8, y: y(mark) + 4, "text-anchor": "end" }, tick(mark)));
    }
    for (const [before, label] of MARKS) {
      const place = x(end - before * 1000, end, width);
      const anchor = before === 0 ? "end" : before === WINDOW ? "start" : "middle";
      parts.push(draw("line", { class: "grid", x1: place, x2: place, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM + 4 }));
      parts.push(draw("text", { x: place, y: HEIGHT - 4, "text-anchor": anchor }, label));
    }
    const points = (line) => within.map((second) => [x(second[0], end, width), second[line.at] == null ? null : y(second[line.at])]);
    if (scale === "linear") {
      parts.push(draw("path", { class: "under", d: area(points(lines[0])) }));
    }
    lines.toReversed().forEach((line, back) => {
      const dashes = back === 0 ? { "stroke-dasharray": "5 4" } : {};
      parts.push(draw("path", { class: back === 0 ? "second" : "first", d: path(points(line)), ...dashes }));
    });
    const told = (read !== null && within.find(([at]) => at >= read)) || last;
    if (told !== last) {
      const place = x(told[0], end, width);
      parts.push(draw("line", { class: "cursor", x1: place, x2: place, y1: TOP, y2: HEIGHT - BOTTOM }));
    }
    lines.forEach((line, at) => say(values[at], line.format(told[line.at])));
    say(when, told === last ? "" : `at ${timeOfDay(told[0])}`);
    const spoken = lines.map((line) => `${line.label} ${line.format(told[line.at])}`).join(", ");
    attribute(svg, "aria-label", `${title}, the last ten minutes; at ${timeOfDay(told[0])}: ${spoken}`);
    svg.replaceChildren(...parts);
  }

  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const part = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    const end = seconds.at(-1)?.[0] ?? 0;
    read = end - (1 - Math.min(1, Math.max(0, part))) * WINDOW * 1000;
    render();
  });
  const last = () => {
    read = null;
    render();
  };
  svg.addEventListener("pointerleave", last);
  svg.addEventListener("blur", last);
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -5000, ArrowRight: 5000 }[event.key];
    if (!step || seconds.length === 0) return;
    event.preventDefault();
    const [first, end] = [seconds[0][0], seconds.at(-1)[0]];
    read = Math.max(first, (read ?? end) + step);
    if (read >= end) read = null;
    render();
  });
  new ResizeObserver(render).observe(svg);

  return (given) => {
    seconds = given;
    render();
  };
}

/** Where a value stands, and the values that are marked. */
function axis(scale, values) {
  const known = values.filter((value) => value != null);
  const top = HEIGHT - BOTTOM - TOP;
  if (scale === "linear") {
    const step = nice(Math.max(1, ...known) / 4);
    const most = step * Math.max(1, Math.ceil(Math.max(1, ...known) / step));
    const marks = [];
    for (let mark = 0; mark <= most + step / 2; mark += step) marks.push(mark);
    return { marks, y: (value) => HEIGHT - BOTTOM - (value / most) * top };
  }
  const least = Math.floor(Math.log10(Math.min(0.001, ...known.map((value) => Math.max(value, 0.00001)))));
  const most = Math.max(least + 2, Math.ceil(Math.log10(Math.max(0.01, ...known))));
  const marks = [];
  for (let mark = least; mark <= most; mark += 1) marks.push(10 ** mark);
  const y = (value) => HEIGHT - BOTTOM - ((Math.log10(Math.max(value, 10 ** least)) - least) / (most - least)) * top;
  return { marks, y };
}

/** 1, 2 or 5 times a power of ten. */
function nice(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return [1, 2, 5, 10].map((digit) => digit * power).find((mark) => mark >= step);
}

/** A line that ends where nothing is known. */
function path(points) {
  let [drawn, d] = [false, ""];
  for (const [at, value] of points) {
    if (value === null) drawn = false;
    else {
      // A second by itself is a dot: a line to where it begins, with round ends.
      d += drawn ? `L${at.toFixed(1)} ${value.toFixed(1)}` : `M${at.toFixed(1)} ${value.toFixed(1)}h0.01`;
      drawn = true;
    }
  }
  return d;
}

function area(points) {
  const known = points.filter(([, value]) => value !== null);
  if (known.length < 2) return "";
  const floor = HEIGHT - BOTTOM;
  const line = known.map(([at, value]) => `L${at.toFixed(1)} ${value.toFixed(1)}`).join("");
  return `M${known[0][0].toFixed(1)} ${floor}${line}L${known.at(-1)[0].toFixed(1)} ${floor}Z`;
}
