// The form: a draft that survives everything, and a submission that is repeated under one key until its fate is known.
import { $, copyButton, icon, make } from "./dom.js";
import { showEmergency } from "./emergency.js";
import { send } from "./net.js";
import { clearPhotos, photos, usePhotos } from "./photos.js";
import { keep, keepMatter, newKey, newToken, recall } from "./store.js";
import { verification } from "./verification.js";

const FIELDS = ["text", "place", "name", "telephone"];
const LONGEST_PAUSE = 60;
const TICK = "M5 12.5l4.500 4.500L19 7.500";
let options = null;
let point = null;
let timer = 0;
let conversations = null;
const draft = () => recall("draft", null);

// `talk` shows a conversation, `follow` hears of its news.
export async function useForm(given, { talk, follow }) {
  options = given;
  conversations = { talk, follow };
  $("consent-text").textContent = options.consent;
  for (const name of ["name", "telephone"]) {
    $(`${name}-field`).hidden = options[name] === "hidden";
    $(`${name}-need`).textContent = options[name] === "required" ? "必填" : "选填";
    $(name).required = options[name] === "required";
  }
  restore();
  await usePhotos(options, (refused) => wrong("photos", refused));
  $("form").addEventListener("input", () => {
    save();
    if (!$("summary").hidden) showMistakes(mistakes());
  });
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    begin();
  });
  $("discard").addEventListener("click", discard);
  $("locate").addEventListener("click", locate);
  $("retry").addEventListener("click", attempt);
  window.addEventListener("online", () => draft()?.pending && attempt());
  if (draft()?.pending) attempt();
}

// --- the draft

function restore() {
  const kept = draft();
  if (!kept) return count();
  for (const name of FIELDS) $(name).value = kept[name] ?? "";
  $("is_text_only").checked = Boolean(kept.is_text_only);
  point = kept.point ?? null;
  if (point) $("place-note").textContent = "已附上定位";
  if (kept.text) $("draft-note").textContent = "已恢复上次没有提交的内容";
  count();
}

function save() {
  const values = Object.fromEntries(FIELDS.map((name) => [name, $(name).value]));
  const kept = draft();
  keep("draft", {
    ...values,
    is_text_only: $("is_text_only").checked,
    point,
    key: kept?.key ?? newKey(),
    token: kept?.token ?? newToken(),
    pending: false,
  });
  $("draft-note").textContent = "草稿已保存在本机";
  count();
}

function count() {
  $("text-count").textContent = `还可以写 ${5000 - $("text").value.length} 字`;
}

async function discard() {
  if ($("text").value && !window.confirm("清空已经写下的内容和照片？")) return;
  await empty();
  $("text").focus();
}

async function empty() {
  $("form").reset();
  point = null;
  keep("draft", null);
  await clearPhotos();
  $("place-note").textContent = $("draft-note").textContent = "";
  showMistakes([]);
  count();
}

function locate() {
  const note = $("place-note");
  if (!navigator.geolocation) {
    note.textContent = "这个浏览器不能定位，请直接填写地点";
    return;
  }
  note.textContent = "正在定位……";
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      point = { latitude: coords.latitude, longitude: coords.longitude };
      note.textContent = `已附上定位（误差约 ${Math.round(coords.accuracy)} 米），请再写明具体地点`;
      save();
    },
    () => {
      note.textContent = "没有得到位置，请直接填写地点";
    },
    { enableHighAccuracy: true, timeout: 15000, maximumAge: 60000 },
  );
}

// --- what is wrong, told at the field and above the form

function mistakes() {
  const found = [];
  if (!$("text").value.trim()) found.push(["text", "请写下发生了什么"]);
  const telephone = $("telephone").value.trim();
  if (options.name === "required" && !$("name").value.trim()) found.push(["name", "请填写怎么称呼您"]);
  if (telephone && !/^\+?[0-9][0-9 -]{4,24}$/.test(telephone)) found.push(["telephone", "电话号码只能是数字，例如 0476 1234567"]);
  else if (options.telephone === "required" && !telephone && !$("is_text_only").checked) {
    found.push(["telephone", "请填写联系电话；不便接电话的，请勾选“请不要给我打电话”"]);
  }
  if (!$("consent").checked) found.push(["consent", "请先阅读并同意个人信息处理说明"]);
  return found;
}

function showMistakes(found) {
  for (const name of [...FIELDS, "consent"]) wrong(name, found.find(([field]) => field === name)?.[1] ?? "");
  const summary = $("summary");
  summary.hidden = found.length === 0;
  if (!found.length) return;
  const links = found.map(([field, words]) => {
    const link = make("a", { href: `#${field}` }, words);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      $(field).focus();
    });
    return make("li", {}, link);
  });
  summary.replaceChildren(make("h2", {}, `还有 ${found.length} 处需要改一下`), make("ul", {}, ...links));
}

function wrong(name, words) {
  const field = $(name);
  const id = `${name}-wrong`;
  const described = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((each) => each && each !== id);
  $(id)?.remove();
  if (words) {
    const place = name === "consent" ? $("consent-text") : field;
    place.after(make("p", { id, className: "wrong" }, words));
    described.push(id);
    field.setAttribute("aria-invalid", "true");
  } else {
    field.removeAttribute("aria-invalid");
  }
  if (described.length) field.setAttribute("aria-describedby", described.join(" "));
  else field.removeAttribute("aria-describedby");
}

// --- sending

function begin() {
  const found = mistakes();
  showMistakes(found);
  if (found.length) {
    $("summary").focus();
    return;
  }
  save();
  keep("draft", { ...draft(), pending: true, attempts: 0 });
  attempt();
}

async function attempt() {
  clearTimeout(timer);
  const kept = draft();
  lock(true);
  $("retry").hidden = true;
  $("sent").value = 0;
  $("sending-note").textContent = "正在提交……";
  const body = {
    text: kept.text,
    place: kept.place,
    name: options.name === "hidden" ? "" : kept.name,
    telephone: options.telephone === "hidden" ? "" : kept.telephone.trim(),
    is_text_only: kept.is_text_only,
    point: kept.point,
    consent: true,
  };
  try {
    const taken = await send("matters", {
      token: kept.token,
      key: kept.key,
      body,
      files: photos(),
      progress: (part) => ($("sent").value = part),
    });
    await finish(taken, kept);
  } catch (failure) {
    if (failure.again) later(failure);
    else refused(failure);
  }
}

// Its fate is unknown: nothing may change until it is, or the change would be lost or make a second ticket.
function later(failure) {
  const kept = draft();
  const attempts = (kept.attempts ?? 0) + 1;
  keep("draft", { ...kept, attempts });
  const pause = Math.min(LONGEST_PAUSE, Math.max(failure.again, 2 ** Math.min(attempts, 6)));
  $("sending-note").textContent = `${failure.message}。您写的内容已保存在本机，${Math.round(pause)} 秒后自动再试，不会重复登记。`;
  $("retry").hidden = false;
  timer = setTimeout(attempt, pause * 1000);
}

function refused(failure) {
  keep("draft", { ...draft(), pending: false });
  lock(false);
  const field = FIELDS.includes(failure.field) || failure.field === "consent" ? failure.field : "text";
  if (failure.field === "files") wrong("photos", failure.message);
  showMistakes([[field, failure.message]]);
  $("summary").focus();
}

function lock(locked) {
  $("fields").disabled = locked;
  $("send").hidden = locked;
  $("discard").hidden = locked;
  $("sending").hidden = !locked;
  $("draft-note").hidden = locked;
}

async function finish(taken, kept) {
  keepMatter({
    token: kept.token,
    ticket_id: taken.ticket_id,
    query_code: taken.query_code,
    about: kept.text.slice(0, 40),
    at: new Date().toISOString(),
    is_text_only: kept.is_text_only,
    wants_person: true,
  });
  await empty();
  lock(false);
  showReceipt(taken, kept);
  conversations.follow(kept.token);
  showEmergency(taken.emergencies, taken.told, kept.is_text_only);
}

function showReceipt(taken, { token, telephone }) {
  const talk = make("button", { type: "button", className: "primary" }, "就此事与我们对话");
  talk.addEventListener("click", () => conversations.talk(token));
  const another = make("button", { type: "button", className: "plain" }, "再提交一件");
  const title = make("h1", { tabIndex: -1 }, "已收到您的诉求");
  another.addEventListener("click", () => {
    $("done").hidden = true;
    $("form").hidden = false;
    $("text").focus();
  });
  const entry = (name, value) => make("div", {}, make("dt", {}, name), make("dd", {}, make("b", {}, value), copyButton(value, name)));
  $("done").replaceChildren(
    make("span", { className: "tick" }, icon(TICK)),
    title,
    make("dl", { className: "receipt" }, entry("工单编号", taken.ticket_id), entry("查询码", taken.query_code)),
    make("p", { className: "told" }, taken.told || "请记下工单编号和查询码，用它们可以随时查询进度。"),
    make("div", { className: "actions" }, talk, make("a", { className: "quiet", href: "#progress" }, "查询进度"), another),
    verification(token, telephone.trim()),
  );
  $("done").hidden = false;
  $("form").hidden = true;
  title.focus();
}
