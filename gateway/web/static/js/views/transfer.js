// Bringing a unit in: choose, consult, three-way, leave or take back.
import { api } from "../api.js";
import { useAction } from "../acting.js";
import { ElButton, ElOption, ElSelect, html, ref, watch } from "../dom.js";
import { catalogue, failureName, numbersReason, transferStateName, unitName } from "../words.js";

export const TransferPanel = {
  props: {
    callId: { type: String, required: true },
    transfer: { type: Object, default: null },
    suggested: { type: String, default: "" },
    canStart: Boolean,
  },
  setup(props) {
    const chosen = ref(props.suggested);
    const { busy, act } = useAction();
    watch(() => props.suggested, (unit, before) => {
      if (!chosen.value || chosen.value === before) chosen.value = unit;
    });
    const step = (name, done) => act(name, () => api.transfer(props.callId, name), done);
    const start = () => act("start", () => api.startTransfer(props.callId, chosen.value));
    const instead = () => act("instead", () => api.ticketInstead(props.callId, props.transfer?.live ? props.transfer.unit : chosen.value), "已受理并派单");
    const failed = () => (props.transfer?.attempts ?? []).filter((attempt) => attempt.failure);
    const state = () => (props.transfer?.live ? props.transfer.state : "");

    const running = () => html`
      <strong role="status">${unitName(props.transfer.unit)}：${transferStateName(props.transfer.state)}</strong>
      <small class="numbers-reason">${numbersReason(props.transfer.reason)}</small>
      <span class="keys">
        <${ElButton} type="primary" disabled=${state() !== "answered"} loading=${busy.value === "join"} onClick=${() => step("join")}>三方<//>
        <${ElButton} disabled=${state() !== "joined"} loading=${busy.value === "leave"} onClick=${() => step("leave", "已离开，市民与单位继续通话")}>离开<//>
        <${ElButton} loading=${busy.value === "retrieve"} onClick=${() => step("retrieve")}>取回<//>
        ${insteadKey()}
      </span>`;
    const insteadKey = () => html`
      <${ElButton} plain disabled=${!props.transfer?.live && !chosen.value} loading=${busy.value === "instead"}
        title="不再拨打，受理后派单给该单位" onClick=${instead}>改派工单<//>`;
    const failures = () => failed().length > 0 && html`
      <ul class="attempts" role="alert">${failed().map((attempt, index) => html`
        <li key=${`${index} ${attempt.number}`}>${attempt.number} <b>${failureName(attempt.failure)}</b></li>`)}
      </ul>`;
    const choice = () => html`
      <${ElSelect} class="unit-choice" modelValue=${chosen.value} onUpdate:modelValue=${(unit) => { chosen.value = unit; }}
        placeholder="选择单位" filterable aria-label="选择单位" noDataText="没有登记单位">
        ${Object.entries(catalogue.units).map(([unit, name]) => html`<${ElOption} key=${unit} value=${unit} label=${name} />`)}
      <//>
      <${ElButton} type="primary" plain disabled=${!props.canStart || !chosen.value} loading=${busy.value === "start"} onClick=${start}>咨询<//>
      ${insteadKey()}
      ${props.transfer && html`<small class="last">上一次：${unitName(props.transfer.unit)} · ${transferStateName(props.transfer.state)}</small>`}`;

    return () => html`
      <section class=${["transfer", { live: state() }]} aria-label="转接单位">
        <h3>转接单位</h3>
        ${state() ? running() : choice()}
        ${failures()}
      </section>`;
  },
};
