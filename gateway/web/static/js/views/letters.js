// What a petitioner wrote and what he was told, in the order of time, with the files; below, the answer to him.
import { useAction } from "../acting.js";
import { api, fileAddress } from "../api.js";
import { dateAndTime } from "../clock.js";
import { ElButton, ElInput, html, onBeforeUnmount, onMounted, ref } from "../dom.js";
import { watchTickets } from "../live.js";
import { channelName, deliveryName, notSentReason } from "../words.js";

const KILO = 1024;
const sizeWords = (octets) => (octets < KILO * KILO ? `${Math.ceil(octets / KILO)} KB` : `${(octets / KILO / KILO).toFixed(1)} MB`);
const AGAIN = 4000; // while something is on its way

export const Letters = {
  props: { ticket: { type: Object, required: true } },
  setup(props) {
    const thread = ref(null);
    const problem = ref("");
    const text = ref("");
    const { busy, act } = useAction();
    let key = crypto.randomUUID();
    let timer = 0;

    async function load() {
      clearTimeout(timer);
      problem.value = "";
      try {
        thread.value = await api.letters(props.ticket.id);
        if (thread.value.answers.some((answer) => answer.state === "waiting")) timer = setTimeout(load, AGAIN);
      } catch (error) {
        problem.value = error.message;
      }
    }
    let unwatch = () => {};
    onMounted(() => {
      unwatch = watchTickets((ticket) => ticket.id === props.ticket.id && load());
      load();
    });
    onBeforeUnmount(() => {
      clearTimeout(timer);
      unwatch();
    });

    async function send() {
      if (!text.value.trim()) return;
      if (!(await act("send", () => api.answerLetter(props.ticket.id, text.value.trim(), key)))) return;
      key = crypto.randomUUID();
      text.value = "";
      load();
    }
    const again = async (answer) => (await act(answer.key, () => api.resendMessage(answer.key, ""))) && load();

    const file = (each) => html`
      <li key=${each.sha256}>
        ${each.shown && html`<a href=${fileAddress(props.ticket.id, each.sha256, true)} target="_blank" rel="noopener"><img
          src=${fileAddress(props.ticket.id, each.sha256, true)} alt=${each.name || "图片"} loading="lazy" /></a>`}
        ${each.finding
          ? html`<span class="problem">${each.name || "附件"}：未通过安全检查（${each.finding}）</span>`
          : html`<a href=${fileAddress(props.ticket.id, each.sha256)} download>${each.name || "附件"}</a>`}
        <small class="faint">${sizeWords(each.size)}</small>
      </li>`;
    const place = (letter) => letter.latitude !== null
      && `${letter.place || "位置"}（北纬 ${letter.latitude.toFixed(5)}，东经 ${letter.longitude.toFixed(5)}）`;
    const letter = (each) => html`
      <li key=${each.id} class="letter">
        <header><b>${each.sender_name || "诉求人"}</b><span>${channelName(each.channel)}</span>
          ${each.telephone && html`<span>电话 ${each.telephone}</span>`}
          <time>${dateAndTime(each.received_at)}</time></header>
        ${each.subject && html`<h5>${each.subject}</h5>`}
        <p class="words">${each.text || "（没有文字）"}</p>
        ${place(each) && html`<p class="faint">${place(each)}</p>`}
        ${each.earlier.length > 0 && html`<details><summary>修改前的内容</summary>${each.earlier.map((words, index) => html`<p key=${index} class="words">${words}</p>`)}</details>`}
        ${each.files.length > 0 && html`<ul class="files">${each.files.map(file)}</ul>`}
      </li>`;
    const answer = (each) => html`
      <li key=${each.key} class="letter ours">
        <header><b>${each.by || "系统"}</b>${each.channel && html`<span>${channelName(each.channel)}</span>`}
          <span class=${{ problem: ["given_up", "failed"].includes(each.state) }}>${deliveryName(each.state)}</span>
          <time>${dateAndTime(each.at)}</time></header>
        <p class="words">${each.text.trim()}</p>
        ${each.state === "given_up" && html`<p class="problem">${notSentReason(each.error)}
          <${ElButton} size="small" loading=${busy.value === each.key} onClick=${() => again(each)}>重新发送<//></p>`}
      </li>`;
    const lines = () => [
      ...thread.value.letters.map((each) => [each.received_at, letter(each)]),
      ...thread.value.answers.map((each) => [each.at, answer(each)]),
    ].sort(([one], [other]) => Date.parse(one) - Date.parse(other)).map(([, line]) => line);

    return () => html`
      <h4>来件与答复</h4>
      ${problem.value && html`<p class="problem" role="alert">${problem.value} <${ElButton} size="small" onClick=${load}>重试<//></p>`}
      ${thread.value ? html`<ul class="letters" aria-live="polite">${lines()}</ul>` : !problem.value && html`<p class="empty">正在载入……</p>`}
      <form class="answering" onSubmit=${(event) => { event.preventDefault(); send(); }}>
        <${ElInput} type="textarea" rows=${3} maxlength="5000" modelValue=${text.value} onUpdate:modelValue=${(words) => { text.value = words; }}
          aria-label="答复诉求人" placeholder=${`答复将按来件方式（${channelName(props.ticket.channel)}）发给诉求人，Ctrl+Enter 发送`}
          onKeydown=${(event) => event.key === "Enter" && event.ctrlKey && send()} />
        <${ElButton} type="primary" native-type="submit" loading=${busy.value === "send"} disabled=${!text.value.trim()}>发送答复<//>
      </form>`;
  },
};
