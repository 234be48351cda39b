// A table with a caption, headers that sort, and rows that stay the same elements for as long as they stand for the same thing.

import { attribute, make, say } from "./dom.js";

const ARROWS = { ascending: "\u25B2", descending: "\u25BC" };

/**
 * columns: [{ label, text(row), sort?(row), number?, tight?, cell?(td, row) }]; the first one is the header of its row.
 * key(row) tells rows apart. Returns a function that shows rows; `empty` is said where there is none.
 */
export function table(place, { caption, columns, key, empty }) {
  const name = make("caption", { class: "unseen" }, caption);
  const body = make("tbody", { role: "rowgroup" });
  const headers = columns.map((column) => header(column, () => turn(column)));
  const head = make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...headers));
  const whole = make("table", { role: "table" }, name, head, body);
  const scroll = make("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" }, whole);
  const nothing = make("p", { class: "empty" }, empty);
  place.append(scroll, nothing);

  const known = new Map();
  let rows = [];
  let by = null;
  let order = null;

  // Up, down, and then as it came.
  function turn(column) {
    if (by !== column) [by, order] = [column, column.number ? "descending" : "ascending"];
    else if (order === (column.number ? "descending" : "ascending")) order = column.number ? "ascending" : "descending";
    else [by, order] = [null, null];
    columns.forEach((column, at) => {
      attribute(headers[at], "aria-sort", column === by ? order : null);
      const arrow = headers[at].querySelector("span");
      if (arrow) say(arrow, column === by ? ARROWS[order] : "");
    });
    show(rows);
  }

  function show(given) {
    rows = given;
    const sorted = by ? rows.toSorted(compare(by.sort, order === "descending" ? -1 : 1)) : rows;
    scroll.hidden = rows.length === 0;
    nothing.hidden = rows.length > 0;
    const seen = new Map();
    const wanted = sorted.map((row) => {
      // The same user may be signed in twice.
      const name = key(row);
      const times = (seen.get(name) ?? 0) + 1;
      seen.set(name, times);
      return [`${name}\n${times}`, row];
    });
    const names = new Set(wanted.map(([name]) => name));
    for (const [name, element] of known) {
      if (names.has(name)) continue;
      element.remove();
      known.delete(name);
    }
    // Rows that are in their place are not touched, so that what has the focus keeps it.
    let next = body.firstElementChild;
    for (const [name, row] of wanted) {
      let element = known.get(name);
      if (!element) known.set(name, (element = blank(columns)));
      columns.forEach((column, at) => fill(element.children[at], column, row));
      if (element === next) next = next.nextElementSibling;
      else body.insertBefore(element, next);
    }
  }

  // Before the first numbers are there, nothing is known, not even that there is none.
  scroll.hidden = nothing.hidden = true;
  return { show, region: scroll };
}

function header(column, turn) {
  const cell = make("th", { role: "columnheader", scope: "col", class: classes(column) });
  if (!column.sort) {
    cell.append(column.label);
    return cell;
  }
  const arrow = make("span", { "aria-hidden": "true" });
  const button = make("button", { type: "button" });
  button.append(...(column.number ? [arrow, column.label] : [column.label, arrow]));
  button.addEventListener("click", turn);
  cell.append(button);
  return cell;
}

function blank(columns) {
  const cells = columns.map((column, at) =>
    at === 0
      ? make("th", { role: "rowheader", scope: "row", class: classes(column) })
      : make("td", { role: "cell", "data-label": column.label, class: classes(column) }),
  );
  return make("tr", { role: "row" }, ...cells);
}

const classes = (column) => [column.number ? "number" : "", column.tight ? "tight" : ""].join(" ").trim();

function fill(cell, column, row) {
  if (column.cell) column.cell(cell, row);
  else say(cell, column.text(row));
}

function compare(of, sign) {
  return (one, other) => {
    const [a, b] = [of(one), of(other)];
    // What is not known comes last, whichever way.
    if (a == null || b == null) return (a == null) - (b == null);
    return sign * (typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
  };
}
