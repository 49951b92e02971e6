// What this browser keeps for its citizen: the draft, its pictures, the conversations. Where nothing may be kept (a
// private window, a frame on another site), it lasts as long as the page.

const memory = new Map();
const PREFIX = "jiesu.";

export function recall(name, fallback) {
  try {
    const text = localStorage.getItem(PREFIX + name) ?? memory.get(name);
    return text ? JSON.parse(text) : fallback;
  } catch {
    const text = memory.get(name);
    return text ? JSON.parse(text) : fallback;
  }
}

export function keep(name, value) {
  const text = JSON.stringify(value);
  memory.set(name, text);
  try {
    localStorage.setItem(PREFIX + name, text);
  } catch {
    // It stays in memory.
  }
}

export async function forgetAll() {
  memory.clear();
  try {
    for (const name of Object.keys(localStorage)) if (name.startsWith(PREFIX)) localStorage.removeItem(name);
  } catch {
    // Nothing was kept.
  }
  pictures.clear();
  await inStore("readwrite", (store) => store.clear());
}

// 32 random octets in base64url: whoever has it takes part in the conversation.
export function newToken() {
  const octets = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...octets)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export const newKey = () => newToken().slice(0, 32);

// Conversations this browser takes part in, the newest first: { token, ticket_id, query_code, about, at }.
export const matters = () => recall("matters", []);

export function keepMatter(matter) {
  const known = matters();
  const old = known.find((other) => other.token === matter.token);
  const others = known.filter((other) => other.token !== matter.token);
  keep("matters", [{ ...old, ...matter }, ...others].slice(0, 20));
}

// Pictures that are not sent yet, in IndexedDB, because they are too large for anything else: { id, at, name, blob }, and
// the `token` of the conversation they are for; those of the draft have none.
let pictures = new Map();

function database() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("jiesu", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("pictures");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function inStore(mode, act) {
  try {
    const open = await database();
    return await new Promise((resolve, reject) => {
      const transaction = open.transaction("pictures", mode);
      const request = act(transaction.objectStore("pictures"));
      transaction.oncomplete = () => {
        open.close();
        resolve(request?.result);
      };
      transaction.onerror = () => reject(transaction.error);
    });
  } catch {
    return undefined;
  }
}

export async function recallPictures(token) {
  const kept = await inStore("readonly", (store) => store.getAll());
  if (kept?.length) pictures = new Map(kept.map((picture) => [picture.id, picture]));
  return [...pictures.values()].filter((picture) => picture.token === token).sort((one, other) => one.at - other.at);
}

export async function keepPicture(picture) {
  pictures.set(picture.id, picture);
  await inStore("readwrite", (store) => store.put(picture, picture.id));
}

export async function dropPicture(id) {
  pictures.delete(id);
  await inStore("readwrite", (store) => store.delete(id));
}

