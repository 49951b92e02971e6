// The live view: calls at the left, the chosen one in the middle, its ticket at the right.
import { useAction } from "../acting.js";
import { api } from "../api.js";
import { duration, ticking } from "../clock.js";
import { computed, ElButton, ElMessageBox, html, ref, watch } from "../dom.js";
import { soundWords } from "../facts.js";
import { ageOf, clearEnded, follow, live } from "../live.js";
import { me } from "../me.js";
import { address, go, route } from "../route.js";
import { callStateName, catalogue, endingName, originName, roleName, ticketStateName } from "../words.js";
import { Decisions } from "./decisions.js";
import { Suggestions } from "./suggestions.js";
import { EmergencyKeys, HandOffPanel } from "./hand-off.js";
import { SupervisionPanel } from "./supervision.js";
import { TicketForm } from "./ticket-form.js";
import { Transcript } from "./transcript.js";
import { TransferPanel } from "./transfer.js";

const WEIGHTS = { emergency: 0, transfer: 1, talking: 2, waiting: 2, ringing: 2 };
const stateOf = (entry) => (entry.over ? "over" : entry.call.state);
const stateWords = (entry) => (entry.over ? "已结束" : callStateName(entry.call.state));
const agentName = (id) => live.agents.find((agent) => agent.id === id)?.name ?? id;
const caller = (ticket) => ticket?.caller || "号码未显示";

const originsOf = (ticket) => (ticket?.decisions ?? []).filter((decision) => decision.kind === "origin");

const CallCard = ({ entry, chosen }) => html`
  <li class=${["call-card", `is-${stateOf(entry)}`, { chosen }]}>
    <a href=${address("calls", entry.call.id)} aria-current=${chosen ? "true" : null}>
      <span class="call-caller">${caller(entry.ticket)}</span>
      <time>${duration(ageOf(entry, ticking.value))}</time>
      <span class="call-state">${stateWords(entry)}</span>
      <span class="call-about">${entry.ticket?.emergency_line && html`<b>${entry.ticket.emergency_line}</b> `}
        ${catalogue.matters[entry.ticket?.matter] ?? catalogue.categories[entry.ticket?.category] ?? "正在听"}
        ${entry.ticket?.elements.place ? ` · ${entry.ticket.elements.place}` : ""}</span>
      <span class="call-agent">${entry.ticket?.agent ? agentName(entry.ticket.agent) : ""}</span>
    </a>
    ${entry.over && html`<button type="button" class="call-clear" title="从列表移走" aria-label="从列表移走" onClick=${() => clearEnded(entry.call.id)}>×</button>`}
  </li>`;
CallCard.props = ["entry", "chosen"];

const partyName = (leg) => {
  const name = leg.role === "agent" ? live.agents.find((agent) => agent.number === leg.number)?.name : "";
  return name ? `${name} ${leg.number}` : leg.number;
};
const legWords = (leg, transfer) => {
  if (leg.state === "ringing") return "振铃";
  if (leg.joined) return "通话中";
  if (leg.role === "supervisor") return "听";
  if (leg.role === "citizen") return transfer?.live ? "听音乐等待" : "等待";
  return transfer?.live ? "单独通话" : "未入会";
};
const Parties = ({ call }) => html`
  <ul class="parties" aria-label="通话中的各方">
    ${call.legs.map((leg) => html`
      <li key=${leg.id} class=${["party", `party-${leg.role}`, leg.joined ? "joined" : leg.state]}>
        <b>${roleName(leg.role)}</b> ${partyName(leg)} <small>${legWords(leg, call.transfer)}</small>
        ${leg.quality && html`<span class=${["quality", { poor: leg.quality.poor }]} title="这一方的话音质量，每几秒更新">${leg.quality.poor ? "⚠ 话音不佳　" : ""}${soundWords(leg.quality)}</span>`}
      </li>`)}
  </ul>`;
Parties.props = ["call"];

const Conversation = {
  props: { entry: { type: Object, required: true } },
  setup(props) {
    const { busy, act } = useAction();
    const hasAgent = () => props.entry.call.legs.some((leg) => leg.role === "agent" && leg.joined);
    const handOffs = () => [...props.entry.call.hand_offs].sort((one, other) => other.live - one.live);

    async function finish() {
      const sure = await ElMessageBox.confirm("市民和所有其他方都会被挂断。", "结束这个通话？", {
        confirmButtonText: "结束通话", cancelButtonText: "继续通话", type: "warning",
      }).catch(() => null);
      if (sure) act("finish", () => api.finish(props.entry.call.id));
    }

    return () => {
      const { call, ticket, over } = props.entry;
      return html`
        <section class=${["conversation", `is-${stateOf(props.entry)}`]} aria-label="通话">
          <header class="conversation-head">
            <h2>${caller(ticket)}</h2>
            <time class="running">${duration(ageOf(props.entry, ticking.value))}</time>
            <span class="call-state">${stateWords(props.entry)}</span>
            ${over
              ? html`<span class="over-note">${over.ending ? endingName(over.ending) : ""} ${ticket && html`<a href=${address("tickets", ticket.id)}>打开工单和录音 →</a>`}</span>`
              : html`<${ElButton} class="finish" size="small" type="danger" plain loading=${busy.value === "finish"} onClick=${finish}>结束通话<//><${Parties} call=${call} />`}
          </header>
          ${originsOf(ticket).map((origin) => html`<p key=${origin.outcome} class="call-origin"><b>${originName(origin.outcome)}</b> ${origin.reasons[0]?.evidence !== origin.outcome ? origin.reasons[0]?.evidence : ""}</p>`)}
          ${!over && html`<${SupervisionPanel} callId=${call.id} supervisions=${call.supervisions} hasAgent=${hasAgent()} />`}
          ${handOffs().map((handOff) => html`<${HandOffPanel} key=${handOff.line} callId=${call.id} handOff=${handOff} />`)}
          <${Transcript} key=${call.id} said=${props.entry.said} facts=${props.entry.facts} follows
            empty=${call.answered ? "正在听，还没有人说话" : "还没有接听"} />
          ${!over && html`
            <footer class="conversation-keys">
              <${EmergencyKeys} callId=${call.id} handOffs=${call.hand_offs} />
              <${TransferPanel} key=${call.id} callId=${call.id} transfer=${call.transfer} suggested=${ticket?.unit ?? ""} canStart=${hasAgent()} />
            </footer>`}
        </section>`;
    };
  },
};

const NoCalls = () => html`
  <div class="no-calls">
    <img src="/static/icon.svg" alt="" width="56" height="56" />
    <p>现在没有通话</p>
    <small>来电接通后会出现在这里，说的话边说边显示。</small>
  </div>`;

export const Calls = {
  setup() {
    const pane = ref("call");
    const ordered = computed(() => [...live.calls].sort((one, other) =>
      Boolean(one.over) - Boolean(other.over) || WEIGHTS[one.call.state] - WEIGHTS[other.call.state] || other.call.offset - one.call.offset));
    const chosen = computed(() => live.calls.find((entry) => entry.call.id === route.value.id) ?? null);

    // With nothing chosen the most urgent call is shown; a choice stays until the call is cleared away.
    watch([ordered, () => route.value.id], () => {
      if (route.value.view === "calls" && !chosen.value && ordered.value.length) go("calls", ordered.value[0].call.id);
    }, { immediate: true });

    watch(() => chosen.value?.call.id ?? "", follow, { immediate: true });

    // An agent's own call comes to the front by itself.
    const own = () => live.calls.find((entry) => !entry.over && entry.ticket?.agent && entry.ticket.agent === me.value?.agent_id)?.call.id;
    watch(own, (id) => {
      if (!id) return;
      go("calls", id);
      pane.value = "call";
    });

    const tab = (name, words) => html`
      <button type="button" role="tab" aria-selected=${pane.value === name} class=${{ on: pane.value === name }} onClick=${() => { pane.value = name; }}>${words}</button>`;
    const ticketPane = () => {
      const { ticket } = chosen.value;
      if (!ticket) return html`<p class="empty">工单正在建立</p>`;
      return html`
        <header class="ticket-head">
          <h2>工单 <a href=${address("tickets", ticket.id)}>${ticket.id}</a></h2>
          <span class=${`ticket-state state-${ticket.state}`}>${ticketStateName(ticket.state)}</span>
        </header>
        <${TicketForm} key=${ticket.id} ticket=${ticket} onSaved=${(saved) => { if (saved.revision >= chosen.value.ticket.revision) chosen.value.ticket = { ...saved, caller: ticket.caller }; }} />
        <${Suggestions} key=${`s-${ticket.id}`} ticket=${ticket} />
        <${Decisions} decisions=${ticket.decisions} />`;
    };

    return () => html`
      <div class=${["calls", `pane-${pane.value}`]}>
        <nav class="pane-tabs" role="tablist" aria-label="视图">${tab("list", `通话列表（${live.calls.filter((entry) => !entry.over).length}）`)}${tab("call", "通话")}${tab("ticket", "工单")}</nav>
        <aside class="call-list" aria-label="正在进行的通话">
          <h2>通话 <span>${live.calls.filter((entry) => !entry.over).length}</span>${live.system?.waiting > 0 && html`<em>${live.system.waiting} 人排队</em>`}</h2>
          ${ordered.value.length === 0 && html`<p class="empty">没有通话</p>`}
          <ul onClick=${() => { pane.value = "call"; }}>${ordered.value.map((entry) => html`<${CallCard} key=${entry.call.id} entry=${entry} chosen=${entry === chosen.value} />`)}</ul>
        </aside>
        ${chosen.value
          ? html`<${Conversation} key=${chosen.value.call.id} entry=${chosen.value} /><aside class="ticket-pane" aria-label="工单">${ticketPane()}</aside>`
          : html`<${NoCalls} />`}
      </div>`;
  },
};
