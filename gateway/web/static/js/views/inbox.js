// The inbox: what the unit or the desk is told about cases, and what petitioners are still to hear. A digest stands for
// what happened while nobody could be told one by one.
import { useAction } from "../acting.js";
import { api } from "../api.js";
import { dateAndTime } from "../clock.js";
import { ElButton, ElInput, html, onMounted, ref } from "../dom.js";
import { countInbox, inbox, waitingWords } from "../inbox.js";
import { me } from "../me.js";
import { address } from "../route.js";
import { notSentReason } from "../words.js";

const UNIT = [["unit", "本单位"]];
const DESK = [["hotline", "热线"], ["petitioner", "待告知诉求人"], ["leader", "呈报领导"]];
const LISTED = 12;
const doneWords = (box) => (box === "petitioner" ? "已告知" : "已读");

export const Inbox = {
  setup() {
    const boxes = me.value.role === "unit" ? UNIT : DESK;
    const box = ref(boxes[0][0]);
    const waiting = ref(true);
    const messages = ref([]);
    const next = ref("");
    const state = ref("loading");
    const problem = ref("");
    const wording = ref({});
    const { busy, act } = useAction();
    let asked = 0;

    async function load(more = false) {
      asked += 1;
      const mine = asked;
      state.value = "loading";
      try {
        const page = await api.messages({ channel: box.value, waiting: waiting.value === true, stuck: waiting.value === "stuck", after: more ? next.value : "" });
        if (mine !== asked) return;
        messages.value = more ? [...messages.value, ...page.messages] : page.messages;
        next.value = page.next_after;
        state.value = "ready";
      } catch (error) {
        if (mine !== asked) return;
        problem.value = error.message;
        state.value = "failed";
      }
    }
    onMounted(() => {
      load();
      countInbox();
    });
    const show = (name, unread) => {
      box.value = name;
      waiting.value = unread === "stuck" && name !== "petitioner" ? true : unread;
      messages.value = [];
      load();
    };
    async function finish(keys, name) {
      if (!(await act(name, () => api.finishMessages(keys)))) return;
      if (waiting.value) messages.value = messages.value.filter((message) => !keys.includes(message.key));
      countInbox();
      if (!messages.value.length || !waiting.value) load();
    }
    const scopes = () => [[true, "未处理"], ...(box.value === "petitioner" ? [["stuck", "未能送达"]] : []), [false, "全部"]];
    const isOpen = (message) => !message.done_at && !message.given_up;

    // A message that no way took: in other words, or as it is, once more.
    async function resend(message) {
      const text = wording.value[message.key] ?? message.text;
      if (!(await act(message.key, () => api.resendMessage(message.key, text === message.text ? "" : text)))) return;
      delete wording.value[message.key];
      load();
    }
    const again = (message) => html`
      <p class="problem">未能送达：${notSentReason(message.error)}</p>
      <${ElInput} type="textarea" autosize modelValue=${wording.value[message.key] ?? message.text} aria-label="修改后重新发送"
        onUpdate:modelValue=${(words) => { wording.value = { ...wording.value, [message.key]: words }; }} />
      <${ElButton} size="small" loading=${busy.value === message.key} onClick=${() => resend(message)}>重新发送<//>`;

    const digest = ({ values }) => html`
      <ul class="digest">${(values.cases ?? []).slice(0, LISTED).map((id) => html`<li key=${id}><a href=${address("cases", id)}>${id}</a></li>`)}
        ${values.total > LISTED && html`<li class="faint">……共 ${values.total} 件</li>`}</ul>`;
    const item = (message) => html`
      <li key=${message.key} class=${{ message: true, unread: isOpen(message) }}>
        <header>
          ${message.kind === "digest" ? html`<em>汇总</em>` : html`<a href=${address("cases", message.case_id)}>${message.case_id}</a>`}
          <time>${dateAndTime(message.at)}</time>
          ${message.channel === "petitioner" && message.to && html`<span>诉求人 ${message.to}</span>`}
          ${message.attempts > 0 && message.error && message.error !== "no written way" && html`<span class="problem">发送失败 ${message.attempts} 次</span>`}
        </header>
        <p>${message.text}</p>
        ${message.kind === "digest" && digest(message)}
        <footer>${isOpen(message)
          ? html`<${ElButton} size="small" loading=${busy.value === message.key} onClick=${() => finish([message.key], message.key)}>${doneWords(box.value)}<//>`
          : message.given_up ? again(message) : html`<small class="faint">${doneWords(box.value)} ${dateAndTime(message.done_at)}</small>`}</footer>
      </li>`;
    const rest = () => {
      if (state.value === "failed") return html`<p class="problem padded" role="alert">${problem.value} <${ElButton} size="small" onClick=${() => load()}>重试<//></p>`;
      if (state.value === "loading") return html`<p class="empty" role="status">正在载入……</p>`;
      if (!messages.value.length) return html`<p class="empty">${waiting.value === "stuck" ? "没有未能送达的消息" : waiting.value ? "没有未处理的消息" : "还没有消息"}</p>`;
      return next.value ? html`<p class="more"><${ElButton} onClick=${() => load(true)}>更早的消息<//></p>` : null;
    };
    const tab = ([name, words]) => html`
      <button key=${name} type="button" class=${{ on: box.value === name }} aria-pressed=${box.value === name} onClick=${() => show(name, waiting.value)}>
        ${words}${inbox.waiting[name] > 0 && html`<em>${waitingWords(inbox.waiting[name])}</em>`}</button>`;

    return () => html`
      <main class="page inbox">
        <header class="page-head">
          <h1>收件箱</h1>
          <nav class="pane-keys" aria-label="收件箱">${boxes.map(tab)}</nav>
          <nav class="pane-keys" aria-label="范围">${scopes().map(([unread, words]) => html`
            <button key=${words} type="button" class=${{ on: waiting.value === unread }} aria-pressed=${waiting.value === unread} onClick=${() => show(box.value, unread)}>${words}</button>`)}</nav>
          ${box.value !== "petitioner" && waiting.value && messages.value.length > 1 && html`
            <${ElButton} loading=${busy.value === "all"} onClick=${() => finish(messages.value.map((message) => message.key).slice(0, 200), "all")}>所列 ${messages.value.length} 条全部已读<//>`}
        </header>
        <ul class="sheet messages">${messages.value.map(item)}${rest()}</ul>
      </main>`;
  },
};
