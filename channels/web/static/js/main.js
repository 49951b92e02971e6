// The page: which view is shown, and what the operator has chosen.
import { ensureOpen, markSeen, openConversation, resume, useChat } from "./chat.js";
import { $ } from "./dom.js";
import { useSms } from "./emergency.js";
import { useForm } from "./form.js";
import { ask } from "./net.js";
import { showMine, useProgress } from "./progress.js";
import { forgetAll, keep, recall } from "./store.js";

const VIEWS = { submit: "提交诉求", chat: "在线对话", progress: "查询进度" };
const OPTIONS_PAUSE = 3000;
const viewOf = () => (location.hash.slice(1) in VIEWS ? location.hash.slice(1) : "submit");
let shown = "";

function show() {
  const view = viewOf();
  if (view === shown) return;
  const first = shown === "";
  shown = view;
  for (const name of Object.keys(VIEWS)) {
    $(name).hidden = name !== view;
    const link = document.querySelector(`.tabs a[href="#${name}"]`);
    if (name === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.body.dataset.view = view;
  document.title = `${VIEWS[view]} · 12345`;
  if (view === "chat") {
    $("unread").hidden = true;
    ensureOpen();
    markSeen();
  }
  if (view === "progress") showMine();
  if (!first) {
    $(`${view}-title`).focus();
    window.scrollTo(0, 0);
  }
}

// The operator's choices; the last ones known do until the server is reached.
async function options() {
  try {
    const told = await ask("GET", "options");
    keep("options", told);
    return told;
  } catch {
    const known = recall("options", null);
    if (known) return known;
    $("draft-note").textContent = "连不上服务器，正在重试……";
    await new Promise((resolve) => setTimeout(resolve, OPTIONS_PAUSE));
    return options();
  }
}

async function start() {
  const chosen = await options();
  $("draft-note").textContent = "";
  $("title").textContent = chosen.title;
  $("hotline").textContent = chosen.hotline;
  $("hotline").href = `tel:${chosen.hotline}`;
  useSms(chosen.emergency_sms);
  useChat(chosen, () => {
    $("unread").hidden = shown === "chat";
    if (shown === "chat") markSeen();
  });
  useProgress();
  window.addEventListener("hashchange", show);
  $("forget").addEventListener("click", async () => {
    if (!window.confirm("清除草稿、照片和工单记录？已提交的诉求不受影响，查询进度需要工单编号和查询码。")) return;
    await forgetAll();
    location.reload();
  });
  if (window.parent !== window) {
    document.addEventListener("keydown", (event) => event.key === "Escape" && window.parent.postMessage("jiesu:close", "*"));
  }
  show();
  resume();
  await useForm(chosen, {
    follow: openConversation,
    talk: (token) => {
      openConversation(token);
      location.hash = "chat";
    },
  });
}

start();
