// The live state: calls, agents and system as the server tells them, followed over one WebSocket that mends itself.
import { reactive } from "./dom.js";

const LAGGED = 4000;
const SIGNED_OUT = 4001;
const RETRY_FIRST = 500;
const RETRY_MOST = 8000;

export const live = reactive({ state: "closed", calls: [], agents: [], system: null });

let socket = null;
let retry = RETRY_FIRST;
let timer = 0;
let followed = "";
let onSignedOut = () => {};
const ticketWatchers = new Set();

export function connect(signedOut) {
  onSignedOut = signedOut;
  open();
}

export function disconnect() {
  clearTimeout(timer);
  socket?.close();
  socket = null;
  followed = "";
  Object.assign(live, { state: "closed", calls: [], agents: [], system: null });
}

// Hear of every ticket that changes; returns how to stop.
export function watchTickets(react) {
  ticketWatchers.add(react);
  return () => ticketWatchers.delete(react);
}

// Ask for the words of one call; the answer is a fresh snapshot that has them.
export function follow(callId) {
  if (callId === followed) return;
  followed = callId;
  askToFollow();
}

function askToFollow() {
  if (followed && socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "follow", call_id: followed }));
}

export const findCall = (id) => live.calls.find((entry) => entry.call.id === id);
export const ageOf = (entry, now) => (entry.over ? entry.call.offset : entry.call.offset + (now - entry.at) / 1000);
export const clearEnded = (id) => {
  live.calls = live.calls.filter((entry) => entry.call.id !== id);
};

function open() {
  const channel = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/live`);
  socket = channel;
  live.state = live.state === "open" ? "lost" : live.state === "lost" ? "lost" : "connecting";
  channel.onopen = askToFollow;
  channel.onmessage = (event) => take(JSON.parse(event.data));
  channel.onclose = (event) => {
    if (socket !== channel) return;
    if (event.code === SIGNED_OUT) {
      onSignedOut();
      return;
    }
    live.state = "lost";
    timer = setTimeout(reopen, event.code === LAGGED ? 0 : retry);
    retry = Math.min(RETRY_MOST, retry * 2);
  };
}

// A handshake that was refused looks like a lost line; ask whether the session is still good before trying again.
async function reopen() {
  const answer = await fetch("/api/session", { credentials: "same-origin" }).catch(() => null);
  if (answer?.status === 401) onSignedOut();
  else if (socket) open();
}

function take(message) {
  switch (message.type) {
    case "snapshot":
      retry = RETRY_FIRST;
      live.calls = [...message.calls.map((head) => entryOf(head, message.followed)), ...stillShown(message.calls)];
      live.agents = message.agents.map(noted);
      live.system = message.system;
      live.state = "open";
      break;
    case "call":
      update(message.call);
      break;
    case "call_over":
      finish(message);
      break;
    case "said":
      hear(message);
      break;
    case "ticket":
      takeTicket(message.ticket);
      break;
    case "fact":
      findCall(message.fact.call_id)?.facts.push(message.fact);
      break;
    case "agents":
      live.agents = message.agents.map(noted);
      break;
    case "system":
      live.system = message.system;
      break;
  }
}

// When we heard of it, by the browser's stop-watch; from then on it grows older here.
const noted = (agent) => ({ ...agent, at: performance.now() });

function entryOf(head, withWords) {
  const known = withWords?.call.id === head.call.id ? withWords : findCall(head.call.id);
  return { ...head, said: known?.said ?? [], facts: known?.facts ?? [], at: performance.now(), over: null };
}

// Calls that ended while nobody was told: those we showed and the snapshot does not have.
function stillShown(calls) {
  const known = new Set(calls.map((view) => view.call.id));
  const kept = live.calls.filter((entry) => !known.has(entry.call.id) && entry.ticket);
  for (const entry of kept) entry.over ??= { ending: "" };
  return kept;
}

function update(call) {
  const entry = findCall(call.id);
  if (entry) Object.assign(entry, entry.over ? {} : { call, at: performance.now() });
  else live.calls.push({ call, ticket: null, said: [], facts: [], at: performance.now(), over: null });
}

function finish(message) {
  const entry = findCall(message.call_id);
  if (!entry || entry.over) return;
  entry.call = { ...entry.call, offset: ageOf(entry, performance.now()), legs: [] };
  entry.over = { ending: message.ending };
}

function hear(message) {
  const entry = findCall(message.call_id);
  if (!entry) return;
  const { said } = message;
  const same = (other) => said.type === "utterance" && other.leg === said.leg && other.number === said.number;
  const index = entry.said.findIndex(same);
  if (index >= 0) entry.said.splice(index, 1);
  if (said.type === "utterance" && !said.text) return;
  let place = entry.said.length;
  while (place > 0 && entry.said[place - 1].start > said.start) place -= 1;
  entry.said.splice(place, 0, said);
}

function takeTicket(ticket) {
  const entry = findCall(ticket.call_id);
  if (entry) entry.ticket = ticket;
  for (const react of ticketWatchers) react(ticket);
}
