// The conversation as it is seen: bubbles, what is on its way, what to do in an emergency, and a person at any time.
import { Conversation } from "./conversation.js";
import { $, make, when } from "./dom.js";
import { showEmergency, ways } from "./emergency.js";
import { fileOf, send } from "./net.js";
import { fitting } from "./photos.js";
import { dropPicture, keep, keepMatter, keepPicture, matters, newKey, newToken, recall, recallPictures } from "./store.js";

const STATES = { connecting: "正在连接……", open: "已连接，我们的人会在这里答复您", lost: "连接断了，正在重新连接；您说的话不会丢" };
const PICTURE = "（照片）";
const SPEAKERS = { citizen: "我", house: "12345", assistant: "智能客服" };
// How long after connecting the lines that were there before may come; they are not read out.
const SETTLING = 800;
let settled = 0;
let conversation = null;
let options = null;
let token = "";
let onNews = () => {};

const matter = () => matters().find((each) => each.token === token) ?? { token };

export function useChat(given, news) {
  options = given;
  onNews = news;
  $("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    say($("words").value.trim());
  });
  $("words").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      say($("words").value.trim());
    }
  });
  $("words").addEventListener("input", grow);
  $("person").addEventListener("click", () => {
    keepMatter({ ...matter(), wants_person: true });
    say("请转人工");
    showPerson();
  });
  $("chat_text_only").addEventListener("change", () => keepMatter({ ...matter(), is_text_only: $("chat_text_only").checked }));
  $("thread").addEventListener("change", () => openConversation($("thread").value || newToken()));
  $("chat-files").addEventListener("change", sendPictures);
  window.addEventListener("online", () => conversation?.hurry());
  document.addEventListener("visibilitychange", () => document.hidden || conversation?.hurry());
}

// Follow the conversation that was the last, if there was one; the page hears of its news in any view.
export function resume() {
  const last = recall("conversation", "");
  if (last) openConversation(last);
}

export function openConversation(wanted) {
  if (conversation && token === wanted) return;
  conversation?.close();
  token = wanted || recall("conversation", "") || newToken();
  keep("conversation", token);
  $("log").replaceChildren();
  $("chat-problem").textContent = "";
  const outbox = { load: () => recall(`outbox.${token}`, []), save: (waiting) => keep(`outbox.${token}`, waiting) };
  conversation = new Conversation(token, outbox, { line: showLine, taken, refused, state: showState });
  for (const words of conversation.waiting) showOwn(words);
  $("chat_text_only").checked = Boolean(matter().is_text_only);
  showPerson();
  showThreads();
  if (!conversation.waiting.length) welcome();
  conversation.open();
  recallPictures(token).then((unsent) => unsent.forEach(sendPicture));
}

export const ensureOpen = () => conversation ?? openConversation("");

function showThreads() {
  const known = matters().filter((each) => each.ticket_id);
  const choices = known.map((each) => make("option", { value: each.token }, `${each.ticket_id} ${each.about ?? ""}`.slice(0, 44)));
  const isNew = !known.some((each) => each.token === token);
  choices.push(make("option", { value: isNew ? token : "" }, isNew ? "新的对话" : "＋ 开始新的对话"));
  $("thread").replaceChildren(...choices);
  $("thread").value = token;
}

function showPerson() {
  const asked = Boolean(matter().wants_person);
  $("person").disabled = asked;
  $("person").textContent = asked ? "已转人工" : "转人工";
}

function welcome() {
  $("log").append(make("p", { className: "welcome" }, "您好，请直接说您的问题或诉求。智能客服只按知识库回答并注明出处，随时可以点“转人工”；您说的每句话都会登记，不会丢失。"));
}

function showState(state) {
  $("link-state").textContent = STATES[state];
  $("link-state").className = `link-state ${state}`;
  clearTimeout(settled);
  if (state === "open") settled = setTimeout(() => $("log").setAttribute("aria-busy", "false"), SETTLING);
  else $("log").setAttribute("aria-busy", "true");
}

// --- saying

function say(text) {
  if (!text) return;
  $("chat-problem").textContent = "";
  const { is_text_only: isTextOnly, wants_person: wantsPerson } = matter();
  const words = { id: newKey(), text, is_text_only: Boolean(isTextOnly), wants_person: Boolean(wantsPerson) };
  showOwn(words);
  conversation.say(words);
  $("words").value = "";
  grow();
}

async function sendPictures() {
  const input = $("chat-files");
  const chosen = [...input.files].slice(0, options.files);
  input.value = "";
  for (const file of chosen) {
    const blob = await fitting(file, options.file_size);
    if (!blob) {
      $("chat-problem").textContent = `“${file.name}”太大，没有发送`;
      continue;
    }
    const picture = { id: newKey(), at: Date.now(), name: file.name || "照片.jpg", blob, token };
    await keepPicture(picture);
    await sendPicture(picture);
  }
}

// Like a line, a picture is repeated under its id until it is taken, and kept until then.
async function sendPicture(picture) {
  const { id, blob, name, token: on } = picture;
  if (on !== token) return;
  if (!bubble(id)) showOwn({ id, text: PICTURE });
  const { is_text_only: isTextOnly, wants_person: wantsPerson } = matter();
  const body = { text: PICTURE, is_text_only: Boolean(isTextOnly), wants_person: Boolean(wantsPerson) };
  try {
    const message = await send("words", { token: on, key: id, body, files: [{ blob, name }] });
    if (on === token) taken({ id, ...message });
    $("chat-problem").textContent = "";
  } catch (failure) {
    $("chat-problem").textContent = failure.again ? `照片还没有发出去：${failure.message}，将自动再试` : failure.message;
    if (failure.again) {
      setTimeout(() => sendPicture(picture), failure.again * 1000);
      return;
    }
    bubble(id)?.classList.add("failed");
  }
  await dropPicture(id);
}

function taken(message) {
  keepMatter({ ...matter(), ticket_id: message.ticket_id, query_code: message.query_code, at: new Date().toISOString() });
  bubble(message.id)?.classList.remove("waiting", "failed");
  showEmergency(message.emergencies, message.told, $("chat_text_only").checked);
  showThreads();
}

function refused(message) {
  const own = bubble(message.id);
  own?.classList.add(message.retry_after ? "waiting" : "failed");
  $("chat-problem").textContent = message.message;
}

// --- showing

const bubble = (id) => document.getElementById(`said-${id}`);

function showOwn(words) {
  const line = { id: words.id, by: "citizen", text: words.text, at: new Date().toISOString(), files: [], emergencies: [], source: "" };
  const shown = drawn(line);
  shown.classList.add("waiting");
  append(shown);
}

function showLine(line) {
  const shown = drawn(line);
  bubble(line.id)?.remove();
  const waiting = $("log").querySelector(".bubble.waiting");
  if (waiting) $("log").insertBefore(shown, waiting);
  else append(shown);
  scroll();
  if (!matter().about && line.by === "citizen") {
    keepMatter({ ...matter(), about: line.text.slice(0, 40) });
    showThreads();
  }
  const isAnswer = line.by !== "citizen" && !line.id.endsWith(".told");
  if (isAnswer && line.number > recall(`seen.${token}`, 0)) onNews();
}

// All that has been told has now been seen.
export function markSeen() {
  if (conversation) keep(`seen.${token}`, conversation.last);
}

function append(shown) {
  $("log").querySelector(".welcome")?.remove();
  $("log").append(shown);
  scroll();
}

const scroll = () => ($("log").scrollTop = $("log").scrollHeight);

function drawn(line) {
  const body = make("div", { className: "body" }, line.text);
  if (line.source) body.append(make("span", { className: "source" }, `出处：${line.source}`));
  const urgent = line.emergencies.length > 0;
  if (urgent) body.append(make("div", {}, ...ways(line.emergencies, $("chat_text_only").checked)));
  for (const file of line.files) body.append(fileView(file));
  const head = make("span", { className: "who" }, `${SPEAKERS[line.by]} · ${when(line.at)}`);
  if (line.by === "citizen") head.append(line.number ? " · 已登记" : " · 发送中");
  return make("div", { id: `said-${line.id}`, className: `bubble ${line.by}${urgent ? " urgent" : ""}` }, head, body);
}

// A file is fetched with the conversation's own proof, so it can't simply be linked.
function fileView(file) {
  const on = token;
  if (!file.media_type.startsWith("image/")) {
    const button = make("button", { type: "button", className: "quiet" }, `下载 ${file.name}`);
    button.addEventListener("click", async () => {
      const address = URL.createObjectURL(await fileOf(on, file.sha256));
      make("a", { href: address, download: file.name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 60000);
    });
    return button;
  }
  const image = make("img", { alt: file.name });
  fileOf(on, file.shown || file.sha256).then(
    (blob) => {
      image.src = URL.createObjectURL(blob);
      image.onload = scroll;
    },
    () => image.replaceWith(`（${file.name}，暂时看不到）`),
  );
  return image;
}

function grow() {
  const field = $("words");
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight + 2, 160)}px`;
}
