// What is put into the page. Text is always text: nothing here, and nothing elsewhere, makes markup of it.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** An element with attributes and children; strings become text. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for drawings. */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Sets the text of a node; one that has it already is left alone, and with it what somebody has marked there. */
export function say(node, text) {
  const wanted = String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

/** Sets or removes an attribute. */
export function attribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** A word on a coloured ground. `tone` is good, warn, bad or empty; the word says the same without the colour. */
export function badge(word, tone) {
  return make("span", { class: `badge ${tone}`.trim() }, word);
}

/** Has a screen reader say something, once. */
export function announce(text) {
  say(byId("announcer"), "");
  // A text that comes back at once would count as no change.
  setTimeout(() => say(byId("announcer"), text), 50);
}

/** Pairs of words and values in a `dl`. */
export function facts(list, entries) {
  entries.forEach(([word, value], at) => {
    const pair = list.children[at] ?? list.appendChild(make("div", {}, make("dt"), make("dd")));
    say(pair.children[0], word);
    say(pair.children[1], value);
  });
}
