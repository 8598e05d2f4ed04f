// The table of alerts: all rows that are loaded have a place, those in sight and some around them have elements.

import { byId, clock, element, shown } from "./dom.js";

const AROUND = 30;
const MOST = 50000;
const NEAR_THE_END = 120;
const PREFIX = /^\d\d:\d\d:\d\d\.\d{9}: [A-Z][a-z]+ /;

export class List {
  #items = [];
  #known = new Set();
  #selected = null;
  #drawn = { first: -1, last: -1 };
  #elements = new Map();
  #box = byId("list");

  constructor({ onOpen, onEnd }) {
    this.onOpen = onOpen;
    this.onEnd = onEnd;
    this.#box.addEventListener("scroll", () => this.#draw(), { passive: true });
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#redraw()).observe(this.#box);
  }

  get size() {
    return this.#items.length;
  }

  clear() {
    this.#items = [];
    this.#known.clear();
    this.#selected = null;
    this.#box.scrollTop = 0;
    this.#redraw();
  }

  // Newer alerts, the oldest of them first. Whoever reads further down keeps what they read in sight.
  prepend(items) {
    const fresh = items.filter((item) => this.#take(item)).reverse();
    this.#items = fresh.concat(this.#items);
    while (this.#items.length > MOST) this.#known.delete(this.#items.pop().id);
    if (this.#box.scrollTop > 0) this.#box.scrollTop += fresh.length * this.#height();
    this.#redraw(new Set(this.#box.scrollTop > 0 ? [] : fresh.map((item) => item.id)));
    return fresh.length;
  }

  // Older alerts, the newest of them first.
  append(items) {
    this.#items.push(...items.filter((item) => this.#take(item)).slice(0, MOST - this.#items.length));
    this.#redraw();
  }

  get full() {
    return this.#items.length >= MOST;
  }

  focus() {
    (this.#elements.get(this.#selected) ?? this.#box).focus();
  }

  #take(item) {
    if (this.#known.has(item.id)) return false;
    this.#known.add(item.id);
    return true;
  }

  #height() {
    return parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row")) * 16;
  }

  #redraw(fresh = new Set()) {
    this.#drawn = { first: -1, last: -1 };
    byId("space").style.height = `${this.#items.length * this.#height()}px`;
    this.#box.setAttribute("aria-rowcount", this.#items.length);
    byId("empty").hidden = this.#items.length > 0;
    this.#draw(fresh);
  }

  #draw(fresh = new Set()) {
    const height = this.#height();
    const first = Math.max(0, Math.floor(this.#box.scrollTop / height) - AROUND);
    const sight = Math.ceil(this.#box.clientHeight / height);
    const last = Math.min(this.#items.length, first + sight + 2 * AROUND);
    if (first === this.#drawn.first && last === this.#drawn.last) return;
    this.#drawn = { first, last };
    const focused = document.activeElement?.dataset?.id;
    const elements = new Map();
    for (let index = first; index < last; index += 1) {
      const item = this.#items[index];
      const row = this.#elements.get(item.id) ?? this.#row(item, fresh.has(item.id));
      row.setAttribute("aria-rowindex", index + 1);
      elements.set(item.id, row);
    }
    this.#elements = elements;
    const rows = byId("rows");
    rows.style.transform = `translateY(${first * height}px)`;
    rows.replaceChildren(...elements.values());
    if (focused && elements.has(focused)) elements.get(focused).focus({ preventScroll: true });
    if (last > this.#items.length - NEAR_THE_END) this.onEnd();
  }

  #row(item, fresh) {
    const { alert } = item;
    const fields = alert.output_fields;
    const priority = alert.priority.toLowerCase();
    const place = [fields["k8s.ns.name"], fields["k8s.pod.name"]].filter(Boolean).join("/") || alert.hostname;
    const cell = (name, text) => element("span", { class: name, role: "gridcell", text });
    return element("div", {
      class: fresh ? "row fresh" : "row",
      role: "row",
      tabindex: "-1",
      "data-id": item.id,
      "aria-selected": String(item.id === this.#selected),
      on: { click: () => this.#select(item), focus: () => this.#mark(item.id) },
      children: [
        cell("time", clock(Date.parse(alert.time) * 1e6)),
        cell(`priority ${priority}`, alert.priority),
        cell("rule", alert.rule),
        cell("place", place),
        cell("told", alert.output.replace(PREFIX, "").slice(0, 500)),
      ],
    });
  }

  #mark(id) {
    this.#elements.get(this.#selected)?.setAttribute("aria-selected", "false");
    this.#selected = id;
    this.#elements.get(id)?.setAttribute("aria-selected", "true");
  }

  #select(item) {
    this.#mark(item.id);
    this.onOpen(item);
  }

  #key(event) {
    const page = Math.max(1, Math.floor(this.#box.clientHeight / this.#height()) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const at = this.#items.findIndex((item) => item.id === this.#selected);
    if (event.key in steps && this.#items.length) {
      event.preventDefault();
      const wanted = at < 0 ? 0 : at + steps[event.key];
      this.#go(Math.min(this.#items.length - 1, Math.max(0, wanted)));
    } else if ((event.key === "Enter" || event.key === " ") && at >= 0) {
      event.preventDefault();
      this.#select(this.#items[at]);
    }
  }

  #go(index) {
    const height = this.#height();
    const top = index * height;
    if (top < this.#box.scrollTop) this.#box.scrollTop = top;
    const bottom = top + height - this.#box.clientHeight;
    if (bottom > this.#box.scrollTop) this.#box.scrollTop = bottom;
    this.#draw();
    this.#elements.get(this.#items[index].id)?.focus({ preventScroll: true });
  }
}

export function announce(count, newest) {
  byId("news").textContent = `${count} new, the newest: ${shown(newest.alert.rule)}`;
}
