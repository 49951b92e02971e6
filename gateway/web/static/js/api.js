// The JSON interface. Every failure is an ApiError whose message can be shown as it is.

export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.message);
    this.status = status;
    this.code = problem.code;
    this.field = problem.field || "";
    this.current = problem.current || null;
  }
}

let onSignedOut = () => {};

// What to do when the server says that nobody is signed in.
export function whenSignedOut(react) {
  onSignedOut = react;
}

async function request(method, path, body) {
  const options = { method, headers: {}, credentials: "same-origin" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ApiError(0, { code: "offline", message: "连不上服务器，请检查网络；通话不受影响" });
  }
  if (response.status === 204) return null;
  const content = await response.json().catch(() => null);
  if (response.ok) return content;
  const problem = content?.error ?? { code: "unknown", message: `服务器返回了 ${response.status}` };
  if (response.status === 401 && path !== "/api/session") onSignedOut();
  throw new ApiError(response.status, problem);
}

const id = encodeURIComponent;
const query = (values) => {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

export const api = {
  session: () => request("GET", "/api/session"),
  signIn: (name, password) => request("POST", "/api/session", { name, password }),
  signOut: () => request("DELETE", "/api/session"),
  changePassword: (old, fresh) => request("PUT", "/api/session/password", { old, new: fresh }),
  catalogue: () => request("GET", "/api/catalogue"),
  accounts: () => request("GET", "/api/accounts"),
  saveAccount: (name, account) => request("PUT", `/api/accounts/${id(name)}`, account),
  tickets: (values) => request("GET", `/api/tickets${query(values)}`),
  ticket: (ticketId) => request("GET", `/api/tickets/${id(ticketId)}`),
  editTicket: (ticketId, revision, values) => request("PATCH", `/api/tickets/${id(ticketId)}`, { revision, values }),
  cases: (values) => request("GET", `/api/cases${query(values)}`),
  case: (ticketId) => request("GET", `/api/cases/${id(ticketId)}`),
  caseForms: (ticketId) => request("GET", `/api/cases/${id(ticketId)}/forms`),
  casesTable: (values) => `/api/cases.csv${query(values)}`,
  messages: (values) => request("GET", `/api/messages${query(values)}`),
  resendMessage: (key, text) => request("POST", "/api/messages/resend", { key, text }),
  letters: (ticketId) => request("GET", `/api/tickets/${id(ticketId)}/letters`),
  samePerson: (ticketId) => request("GET", `/api/tickets/${id(ticketId)}/same-person`),
  sameIncident: (ticketId) => request("GET", `/api/tickets/${id(ticketId)}/same-incident`),
  answerLetter: (ticketId, text, key) => request("POST", `/api/tickets/${id(ticketId)}/letters`, { text, key }),
  urgentLetters: () => request("GET", "/api/letters/urgent"),
  settleEmergency: (ticketId, outcome) => request("POST", `/api/tickets/${id(ticketId)}/emergency`, { outcome }),
  report: (days) => request("GET", `/api/reports/${id(days)}`),
  register: (name, values) => request("GET", `/api/registers/${id(name)}${query(values)}`),
  answerOrder: (number, text) => request("POST", `/api/registers/supervision/${id(number)}/answer`, { text }),
  inbox: () => request("GET", "/api/inbox"),
  finishMessages: (keys) => request("POST", "/api/messages/all-done", { keys }),
  command: (ticketId, command, body) => request("POST", `/api/cases/${id(ticketId)}/${command}`, body),
  journal: (values) => request("GET", `/api/journal${query(values)}`),
  searchKnowledge: (q) => request("GET", `/api/knowledge/search${query({ q, limit: 20 })}`),
  knowledge: (values) => request("GET", `/api/knowledge${query(values)}`),
  article: (article) => request("GET", `/api/knowledge/${id(article)}`),
  articleVersions: (article) => request("GET", `/api/knowledge/${id(article)}/versions`),
  addArticle: (article) => request("POST", "/api/knowledge", article),
  editArticle: (article, edit) => request("PUT", `/api/knowledge/${id(article)}`, edit),
  stepArticle: (article, step, version) => request("POST", `/api/knowledge/${id(article)}/${step}`, { version }),
  confirmArticle: (article) => request("POST", `/api/knowledge/${id(article)}/confirm`),
  raiseCheck: (article, words) => request("POST", `/api/knowledge/${id(article)}/checks`, { words }),
  checks: (values) => request("GET", `/api/knowledge-checks${query(values)}`),
  askOwners: () => request("POST", "/api/knowledge-checks/stale"),
  answerCheck: (check, outcome) => request("POST", `/api/knowledge-checks/${id(check)}/answer`, { outcome }),
  suggestions: (ticketId) => request("GET", `/api/tickets/${id(ticketId)}/suggestions`),
  answerFrom: (ticketId, article, version) => request("POST", `/api/tickets/${id(ticketId)}/answer`, { article, version }),
  pause: (paused) => request("PUT", "/api/agents/self/pause", { paused }),
  startHandOff: (callId, line) => request("POST", `/api/calls/${id(callId)}/hand-offs`, { line }),
  handOff: (callId, line, step) => request("POST", `/api/calls/${id(callId)}/hand-offs/${id(line)}/${step}`),
  startTransfer: (callId, unit) => request("POST", `/api/calls/${id(callId)}/transfer`, { unit }),
  transfer: (callId, step) => request("POST", `/api/calls/${id(callId)}/transfer/${step}`),
  ticketInstead: (callId, unit) => request("POST", `/api/calls/${id(callId)}/transfer/ticket`, { unit }),
  supervise: (callId, attendance) => request("PUT", `/api/calls/${id(callId)}/supervision`, { attendance }),
  endSupervision: (callId) => request("DELETE", `/api/calls/${id(callId)}/supervision`),
  finish: (callId) => request("POST", `/api/calls/${id(callId)}/finish`),
};

export const fileAddress = (ticketId, sha256, shown) => `/api/tickets/${id(ticketId)}/files/${sha256}${query({ shown })}`;
export const audioAddress = (ticketId, leg) => `/api/tickets/${id(ticketId)}/audio${query({ leg })}`;
