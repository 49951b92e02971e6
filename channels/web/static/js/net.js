// Requests. A failure says in Chinese what is wrong, and whether to come again, and when.

export class Failure extends Error {
  // `again` is in how many seconds it may be tried again; 0 is never.
  constructor(message, { field = "", again = 0 } = {}) {
    super(message);
    this.field = field;
    this.again = again;
  }
}

const OFFLINE = "网络不通";
const TIRED = 5;

function failureOf(status, retryAfter, content) {
  const problem = content?.error ?? {};
  const again = status === 429 || status >= 500 ? Number(retryAfter) || TIRED : 0;
  return new Failure(problem.message ?? `系统繁忙（${status}）`, { field: problem.field, again });
}

export async function ask(method, path, body, token = "") {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: {
        ...(body ? { "Content-Type": "application/json" } : {}),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
      },
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch {
    throw new Failure("连不上服务器，请检查网络后再试", { again: TIRED });
  }
  const content = await answer.json().catch(() => null);
  if (!answer.ok) throw failureOf(answer.status, answer.headers.get("Retry-After"), content);
  return content;
}

// Send a form with files; `progress` is told how much of it has gone, 0 to 1.
export function send(path, { token, key, body, files, progress = () => {} }) {
  const form = new FormData();
  form.append("body", new Blob([JSON.stringify(body)], { type: "application/json" }), "body.json");
  for (const { blob, name } of files) form.append("files", blob, name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.responseType = "json";
    request.timeout = 120000;
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.setRequestHeader("Idempotency-Key", key);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300 && request.response) resolve(request.response);
      else reject(failureOf(request.status, request.getResponseHeader("Retry-After"), request.response));
    };
    request.onerror = request.ontimeout = () => reject(new Failure(OFFLINE, { again: TIRED }));
    request.send(form);
  });
}

export async function fileOf(token, sha256) {
  const answer = await fetch(`files?sha256=${sha256}`, { headers: { Authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Failure("附件取不到");
  return answer.blob();
}
