// What is shown beside the table: one alert, the sessions, one session, the sensor's state, the strip of minutes.

import { byId, clock, definitions, element } from "./dom.js";

const GRAVE = ["emergency", "alert", "critical"];
const SVG = "http://www.w3.org/2000/svg";

function button(text, click) {
  return element("button", { type: "button", text, on: { click } });
}

export function showAlert(item, { onClose, onSession }) {
  const { alert, remedy } = item;
  const session = alert.output_fields["exec.session"];
  const box = byId("detail");
  const actions = [button("Close", onClose)];
  if (session) actions.push(button("Show the session", () => onSession(String(session))));
  box.replaceChildren(
    element("div", { class: "actions", children: actions }),
    element("h2", { text: alert.rule }),
    element("p", { children: [element("span", { class: `priority ${alert.priority.toLowerCase()}`, text: alert.priority })] }),
    element("p", { text: alert.output }),
    ...(remedy ? [remedyOf(remedy)] : []),
    element("h3", { text: "Fields" }),
    definitions([["time", alert.time], ["hostname", alert.hostname], ["tags", alert.tags.join(", ")], ...Object.entries(alert.output_fields)]),
  );
  box.hidden = false;
  box.focus();
}

function remedyOf(remedy) {
  const text = element("pre", { tabindex: "0" });
  text.append(remedy.text);
  const copy = button("Copy", () => navigator.clipboard?.writeText(remedy.text));
  return element("section", {
    class: "remedy", "aria-label": "Remedy", children: [element("p", { text: remedy.title }), text, copy],
  });
}

export function showSessions(sessions, onSession) {
  byId("sessions").replaceChildren(
    ...sessions.map((each) =>
      element("li", {
        children: [
          element("button", {
            type: "button",
            on: { click: () => onSession(each.session) },
            children: [
              element("b", { text: each.user ?? "unknown user" }),
              element("span", { text: [each.namespace, each.pod].filter(Boolean).join("/") || "host" }),
              element("span", { class: "time", text: `${clock(each.first)} to ${clock(each.last)}` }),
              element("span", { text: `${each.alerts} alerts` }),
            ],
          }),
        ],
      }),
    ),
  );
}

export function showSession(story, onBack) {
  const who = Object.entries(story.who).filter(([name]) => name !== "exec.session");
  byId("session-view").replaceChildren(
    element("div", { class: "actions", children: [button("Back", onBack)] }),
    element("h2", { text: `Session ${story.session}` }),
    definitions([
      ...who,
      ...Object.entries(story.where),
      ["began", clock(story.first)],
      ["ended", story.ended ? clock(story.ended) : `not seen to end; last alert ${clock(story.last)}`],
    ]),
    element("h3", { text: "Processes" }),
    tree(story.processes),
    element("h3", { text: "Files changed" }),
    story.files.length
      ? definitions(story.files.map((file) => [`${file.change}${file.times > 1 ? ` ×${file.times}` : ""}`, file.path]))
      : element("p", { text: "None that an alert tells of." }),
    element("h3", { text: "Timeline" }),
    element("ol", { class: "timeline", children: story.timeline.map(moment) }),
  );
}

function tree(processes) {
  return element("ul", {
    class: "tree",
    children: processes.map((process) =>
      element("li", {
        children: [
          element("code", { text: process.command ?? process.name ?? "unknown" }),
          element("span", { class: "time", text: ` pid ${process.pid}, ${process.alerts} alerts` }),
          ...(process.children.length ? [tree(process.children)] : []),
        ],
      }),
    ),
  });
}

function moment(each) {
  return element("li", {
    children: [
      element("span", { class: "time", text: clock(each.time) }),
      element("span", { class: `priority ${each.priority}`, text: each.rule }),
      element("code", { text: each.command ?? each.process ?? "" }),
      ...(each.file ? [element("code", { text: each.file })] : []),
    ],
  });
}

export function showHealth(status) {
  const sensor = status.sensor.sensor ?? {};
  const evicted = Object.values(status.spool.evicted).reduce((sum, count) => sum + count, 0);
  const sum = (value) => Object.values(value).reduce((total, each) => total + (Number(each) || 0), 0);
  const told = (name, value) => {
    if (name === "seen") return clock(value);
    if (name.endsWith("_timestamp_seconds")) return clock(value * 1e9);
    if (name.endsWith("_ratio")) return `${(value * 100).toFixed(1)} %`;
    return value !== null && typeof value === "object" ? sum(value) : value;
  };
  const label = (name) => name.replace(/_(timestamp_seconds|ratio)$/, "").replaceAll("_", " ");
  const stream = status.sensor.stream;
  const pairs = stream
    ? [["stream", stream.name], ["alerts", stream.alerts], ["leader", stream.leader], ...Object.entries(stream.replicas)]
    : Object.entries(sensor).map(([name, value]) => [label(name), told(name, value)]);
  if (!pairs.length) pairs.push(["sensor", "has not reported yet"]);
  if (!stream) pairs.push(["gave way in the spool", evicted]);
  if (status.spool.error) pairs.push(["spool", status.spool.error]);
  const bad = ([name, value]) => /lost|loss|gave way|error|dropped|disabled|stale|failed/.test(name) && value !== 0;
  byId("health").replaceChildren(
    ...pairs.map((pair) =>
      element("span", {
        class: bad(pair) ? "bad" : "",
        children: [document.createTextNode(`${pair[0]} `), element("b", { text: String(pair[1]) })],
      }),
    ),
  );
}

export function showMinutes(minutes) {
  const sums = minutes.map(({ counts }) => Object.values(counts).reduce((sum, count) => sum + count, 0));
  const highest = Math.max(1, ...sums);
  const bars = byId("bars");
  bars.setAttribute("viewBox", `0 0 ${minutes.length * 10} 100`);
  const rectangle = (index, count, grave) => {
    const made = document.createElementNS(SVG, "rect");
    const height = (count / highest) * 100;
    const values = { x: index * 10, y: 100 - height, width: 8, height, class: grave ? "grave" : "" };
    for (const [name, value] of Object.entries(values)) made.setAttribute(name, value);
    return made;
  };
  const title = bars.querySelector("title");
  title.textContent = `Alerts per minute of the last hour: ${sums.at(-1) ?? 0} in this one, at most ${highest}`;
  bars.replaceChildren(
    title,
    ...minutes.flatMap(({ counts }, index) => [
      rectangle(index, sums[index], false),
      rectangle(index, GRAVE.reduce((sum, name) => sum + (counts[name] ?? 0), 0), true),
    ]),
  );
}
