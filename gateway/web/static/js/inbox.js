// How many messages wait in each inbox of whoever is signed in, looked at twice a minute.
import { api } from "./api.js";
import { reactive } from "./dom.js";

const EVERY = 30000;
export const MOST = 100;

export const inbox = reactive({ waiting: {} });
let timer = 0;

export async function countInbox() {
  try {
    inbox.waiting = (await api.inbox()).waiting;
  } catch {
    // a failure shows where people act; the number comes back by itself
  }
}

export function watchInbox() {
  clearInterval(timer);
  timer = setInterval(() => {
    if (!document.hidden) countInbox();
  }, EVERY);
  countInbox();
}

export function leaveInbox() {
  clearInterval(timer);
  inbox.waiting = {};
}

export const waitingWords = (count) => (count >= MOST ? "99+" : String(count));
