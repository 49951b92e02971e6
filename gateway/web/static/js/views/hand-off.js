// The emergency keys, and each hand-off with its steps, their times, and what may be done next.
import { api } from "../api.js";
import { useAction } from "../acting.js";
import { place } from "../clock.js";
import { ElButton, html, onBeforeUnmount, onMounted } from "../dom.js";
import { catalogue, handOffStateName, lineName, stepName } from "../words.js";

const ROAD = ["suspected", "invited", "desk_answered", "desk_joined", "desk_accepted"];
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

export const EmergencyKeys = {
  props: { callId: { type: String, required: true }, handOffs: { type: Array, required: true } },
  setup(props) {
    const { busy, act } = useAction();
    const lines = () => Object.keys(catalogue.lines).sort();
    const isLive = (line) => props.handOffs.some((handOff) => handOff.line === line && handOff.live);
    const start = (line) => act(line, () => api.startHandOff(props.callId, line), `正在呼叫 ${lineName(line)}，通话不中断`);

    function pressed(event) {
      if (!event.altKey || !event.shiftKey || event.ctrlKey) return;
      const line = lines()[KEYS.indexOf(event.code.replace("Digit", ""))];
      if (line) {
        event.preventDefault();
        start(line);
      }
    }
    onMounted(() => window.addEventListener("keydown", pressed));
    onBeforeUnmount(() => window.removeEventListener("keydown", pressed));

    return () => html`
      <div class="emergency-keys" role="group" aria-label="紧急转接">
        ${lines().map((line, index) => html`
          <button key=${line} type="button" class=${["emergency-key", { live: isLive(line) }]} disabled=${busy.value === line}
            title=${`呼叫 ${lineName(line)}，三方接通；快捷键 Alt+Shift+${KEYS[index]}`} onClick=${() => start(line)}>
            <b>${line}</b><span>${catalogue.lines[line]}</span><kbd>Alt ⇧ ${KEYS[index]}</kbd>
          </button>`)}
      </div>`;
  },
};

export const HandOffPanel = {
  props: { callId: { type: String, required: true }, handOff: { type: Object, required: true } },
  setup(props) {
    const { busy, act } = useAction();
    const step = (name, done) => act(name, () => api.handOff(props.callId, props.handOff.line, name), done);
    const reached = (name) => props.handOff.steps.findLast((one) => one.event === name);
    const troubles = () => props.handOff.steps.filter((one) => !ROAD.includes(one.event));
    const isDone = () => props.handOff.state === "accepted";
    const canDismiss = () => ["suspected", "dialling", "answered"].includes(props.handOff.state);

    const milestone = (name, index) => {
      const at = reached(name);
      const first = props.handOff.steps[0]?.offset ?? 0;
      return html`
        <li key=${name} class=${{ reached: at }}>
          <i aria-hidden="true">${at ? "✓" : index + 1}</i><b>${stepName(name)}</b>
          <time>${at ? place(at.offset) : "—"}</time>
          <small>${at && index ? `+${(at.offset - first).toFixed(2)} 秒` : ""}</small>
        </li>`;
    };
    const why = () => (props.handOff.phrase
      ? html`听到 <mark>${props.handOff.phrase}</mark>${props.handOff.phrase_end === null ? "" : html`<time>${place(props.handOff.phrase_end)}</time>`}<code>${props.handOff.rule}</code>`
      : html`由 ${props.handOff.by} 按键发起`);
    const keys = () => html`
      <div class="hand-off-keys">
        <${ElButton} type="danger" disabled=${props.handOff.state === "joined"} loading=${busy.value === "confirm"}
          onClick=${() => step("confirm", "已确认险情")}>确认<//>
        <${ElButton} disabled=${!canDismiss()} loading=${busy.value === "dismiss"}
          onClick=${() => step("dismiss", "已按误报取消")}>误报<//>
        <${ElButton} type="success" disabled=${props.handOff.state !== "joined"} loading=${busy.value === "accept"}
          onClick=${() => step("accept", "对方已接收")}>已接收<//>
      </div>`;

    return () => html`
      <section class=${["hand-off", { live: props.handOff.live, done: isDone() }]} aria-label=${`紧急转接 ${props.handOff.line}`}>
        <header>
          <h3>紧急转接 ${lineName(props.handOff.line)}</h3>
          <strong class="hand-off-state" role="status">${handOffStateName(props.handOff.state)}</strong>
          ${props.handOff.live && keys()}
        </header>
        <p class="hand-off-why">${why()}</p>
        <ol class="milestones">${ROAD.map(milestone)}</ol>
        ${troubles().length > 0 && html`
          <ul class="troubles">${troubles().map((one) => html`
            <li key=${`${one.event} ${one.offset}`}><time>${place(one.offset)}</time> ${stepName(one.event)}${troubleWords(one.detail)}</li>`)}
          </ul>`}
      </section>`;
  },
};

const known = {
  "the desk has not accepted yet": "：对方还没有按 1 接收，请留在通话中",
  "no number of the line answered": "：请留在通话中，并请市民直接拨打",
  "left during the brief": "：对方在通报时挂断，改拨下一号码",
  "left before accepting": "：对方未接收就挂断，改拨下一号码",
  "no answer": "：无人接听，改拨下一号码",
};
const troubleWords = (detail) => known[detail] ?? (detail ? `（${detail}）` : "");
