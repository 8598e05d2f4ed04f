// The page: filters from the URL, the newest alerts, then those that follow; one alert or one session beside them.

import { Unauthorised, follow, get, keepToken } from "./api.js";
import { byId } from "./dom.js";
import { List, announce } from "./list.js";
import { showAlert, showHealth, showMinutes, showSession, showSessions } from "./views.js";

const NAMES = ["priority", "rule", "namespace", "pod", "user", "since"];
const PAGE = 200;
const form = byId("filters");
const list = new List({ onOpen: openAlert, onEnd: loadOlder });
let following = new AbortController();
let older = null;
let loading = false;
let held = null;
let spoken = 0;

function filters() {
  const found = Object.fromEntries(NAMES.map((name) => [name, form.elements[name].value.trim()]).filter(([, value]) => value));
  if (found.since) found.since = new Date(`${found.since}Z`).toISOString();
  return found;
}

function readUrl() {
  const parameters = new URLSearchParams(location.search);
  for (const name of NAMES) form.elements[name].value = parameters.get(name) ?? "";
}

function writeUrl() {
  const parameters = new URLSearchParams(NAMES.map((name) => [name, form.elements[name].value.trim()]).filter(([, value]) => value));
  history.replaceState(null, "", `${location.pathname}${parameters.size ? `?${parameters}` : ""}${location.hash}`);
}

async function restart() {
  following.abort();
  following = new AbortController();
  const { signal } = following;
  list.clear();
  older = null;
  loading = true;
  const chosen = filters();
  const page = await get("/alerts", { ...chosen, limit: PAGE });
  if (signal.aborted) return;
  loading = false;
  older = page.next;
  list.append(page.alerts);
  const newest = page.alerts[0]?.id;
  follow(chosen, { last: newest }, signal, { onEvents: take, onState: connection }).catch(failed);
  if (!page.alerts.length) loadOlder();
}

async function loadOlder() {
  if (loading || older === null || list.full) return;
  loading = true;
  const { signal } = following;
  try {
    const page = await get("/alerts", { ...filters(), limit: 1000, cursor: older });
    if (signal.aborted) return;
    older = page.next;
    loading = false;
    list.append(page.alerts);
  } catch (error) {
    failed(error);
  } finally {
    if (!signal.aborted) loading = false;
  }
}

function take(events) {
  if (held) {
    held.push(...events);
    byId("pause").textContent = `Go on (${held.length} new)`;
    return;
  }
  const count = list.prepend(events);
  if (count && Date.now() - spoken > 5000) {
    spoken = Date.now();
    announce(count, events.at(-1));
  }
}

function connection(state) {
  const box = byId("connection");
  box.className = state;
  box.textContent = state === "live" ? "live" : "connection lost, trying again";
}

function pause() {
  const released = held;
  held = held ? null : [];
  byId("pause").setAttribute("aria-pressed", String(Boolean(held)));
  byId("pause").textContent = held ? "Go on" : "Pause";
  if (released?.length) take(released);
}

function failed(error) {
  if (error instanceof Unauthorised) {
    if (!byId("login").open) byId("login").showModal();
    return;
  }
  const box = byId("connection");
  box.className = "lost";
  box.textContent = error.message;
}

async function openAlert(item) {
  let known = item;
  if (known.remedy === undefined) {
    // The stream brings alerts alone; what would have prevented one is asked for when somebody looks at it.
    const page = await get("/alerts", { cursor: String(BigInt(item.id) + 1n), limit: 1 }).catch(() => ({ alerts: [] }));
    known = page.alerts.find((each) => each.id === item.id) ?? item;
    item.remedy = known.remedy ?? null;
  }
  showAlert(known, { onClose: closeAlert, onSession: (session) => { location.hash = `/session/${encodeURIComponent(session)}`; } });
}

function closeAlert() {
  byId("detail").hidden = true;
  list.focus();
}

async function route() {
  const session = /^#\/session\/(.+)$/.exec(location.hash);
  const sessions = location.hash === "#/sessions";
  byId("alerts-view").hidden = sessions || Boolean(session);
  byId("sessions-view").hidden = !sessions;
  byId("session-view").hidden = !session;
  byId("show-alerts").setAttribute("aria-pressed", String(!sessions && !session));
  byId("show-sessions").setAttribute("aria-pressed", String(sessions || Boolean(session)));
  const onSession = (id) => { location.hash = `/session/${encodeURIComponent(id)}`; };
  if (sessions || session) byId("detail").hidden = true;
  try {
    if (sessions) showSessions((await get("/sessions")).sessions, onSession);
    if (session) {
      const path = decodeURIComponent(session[1]).split("/").map(encodeURIComponent).join("/");
      showSession(await get(`/sessions/${path}`), () => { location.hash = "/sessions"; });
    }
  } catch (error) {
    failed(error);
  }
}

async function look() {
  try {
    showHealth(await get("/status"));
    showMinutes((await get("/alerts/minutes", { count: 60 })).minutes);
  } catch (error) {
    if (!(error instanceof Unauthorised)) failed(error);
  }
}

function theme(change) {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  let now = localStorage.getItem("podseal-theme") ?? system;
  if (change) {
    now = now === "dark" ? "light" : "dark";
    localStorage.setItem("podseal-theme", now);
  }
  document.documentElement.dataset.theme = now;
}

function takeTokenFromUrl() {
  const given = /^#token=(.+)$/.exec(location.hash);
  if (!given) return;
  keepToken(decodeURIComponent(given[1]));
  history.replaceState(null, "", location.pathname + location.search);
}

let typing = 0;
form.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { writeUrl(); restart().catch(failed); }, 250);
});
form.addEventListener("reset", () => setTimeout(() => { writeUrl(); restart().catch(failed); }));
form.addEventListener("submit", (event) => event.preventDefault());
byId("pause").addEventListener("click", pause);
byId("theme").addEventListener("click", () => theme(true));
byId("show-alerts").addEventListener("click", () => { location.hash = ""; });
byId("show-sessions").addEventListener("click", () => { location.hash = "/sessions"; });
byId("login").addEventListener("close", () => {
  keepToken(byId("token").value.trim());
  byId("token").value = "";
  begin();
});
addEventListener("hashchange", route);
addEventListener("popstate", () => { readUrl(); restart().catch(failed); });
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !byId("detail").hidden) closeAlert();
  if (event.target.closest("input, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "p") pause();
  if (event.key === "t") theme(true);
});

function begin() {
  restart().catch(failed);
  route();
  look();
}

theme(false);
takeTokenFromUrl();
readUrl();
begin();
setInterval(look, 10000);
