// Questions to the feed, and its stream. EventSource sends no Authorization header, so the stream is read by fetch.

const KEY = "podseal-token";

export class Unauthorised extends Error {}

export function keepToken(token) {
  sessionStorage.setItem(KEY, token);
}

function headers(more = {}) {
  const token = sessionStorage.getItem(KEY);
  return token ? { Authorization: `Bearer ${token}`, ...more } : more;
}

async function checked(answer) {
  if (answer.status === 401) throw new Unauthorised();
  if (!answer.ok) throw new Error(`HTTP ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  return answer;
}

export async function get(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  const answer = await fetch(query ? `${path}?${query}` : path, { headers: headers() });
  return (await checked(answer)).json();
}

// Calls `onEvents([{id, alert}])` for what comes, until the signal is aborted; comes back by itself after a failure.
export async function follow(parameters, state, signal, { onEvents, onState }) {
  const query = new URLSearchParams(parameters).toString();
  while (!signal.aborted) {
    try {
      const resumed = state.last ? { "Last-Event-ID": state.last } : {};
      const answer = await checked(await fetch(`/alerts/stream?${query}`, { headers: headers(resumed), signal }));
      onState("live");
      await read(answer.body.getReader(), state, onEvents);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Unauthorised) throw error;
    }
    onState("lost");
    await new Promise((resolve) => setTimeout(resolve, 2000 + Math.random() * 1000));
  }
}

async function read(reader, state, onEvents) {
  const decoder = new TextDecoder();
  let pending = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (pending + decoder.decode(value, { stream: true })).split("\n\n");
    pending = blocks.pop();
    const events = [];
    for (const block of blocks) {
      let id = "", data = "";
      for (const line of block.split("\n")) {
        if (line.startsWith("id: ")) id = line.slice(4);
        if (line.startsWith("data: ")) data = line.slice(6);
      }
      if (data) events.push({ id, alert: JSON.parse(data) });
    }
    if (events.length) {
      state.last = events.at(-1).id;
      onEvents(events);
    }
  }
}
