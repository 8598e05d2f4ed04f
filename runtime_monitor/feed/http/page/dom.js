// Elements from values. Text is set as text alone: what comes from a container can be no markup, and what would turn
// the line around or hide in it is shown as its escape.

const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/g;
const PAIRS = /[\ud800-\udbff][\udc00-\udfff]/g;
const LONGEST = 20000;

export function shown(value) {
  const text = (typeof value === "string" ? value : value === null ? "-" : JSON.stringify(value)).slice(0, LONGEST);
  const pairs = [];
  return text
    .replace(PAIRS, (pair) => (pairs.push(pair), "\ue000"))
    .replace(UNSAFE, (letter) => "\\u" + letter.charCodeAt(0).toString(16).padStart(4, "0"))
    .replace(/\ue000/g, () => pairs.shift() ?? "\\ue000");
}

export function element(tag, { text, children = [], on = {}, ...attributes } = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const [event, handler] of Object.entries(on)) made.addEventListener(event, handler);
  if (text !== undefined) made.textContent = shown(text);
  made.append(...children);
  return made;
}

export const byId = (id) => document.getElementById(id);

export function clock(nanoseconds) {
  return new Date(nanoseconds / 1e6).toISOString().replace("T", " ").slice(0, 19);
}

export function definitions(pairs) {
  return element("dl", {
    children: pairs.flatMap(([name, value]) => [element("dt", { text: name }), element("dd", { text: value })]),
  });
}
