// One ticket whole: what was wanted, what was said with its sound, what happened.
import { api } from "../api.js";
import { between, dateAndTime } from "../clock.js";
import { ElButton, html, onBeforeUnmount, onMounted, ref, watch } from "../dom.js";
import { live, watchTickets } from "../live.js";
import { address, route } from "../route.js";
import { channelName, endingName, lineName, ticketStateName } from "../words.js";
import { Decisions } from "./decisions.js";
import { Letters } from "./letters.js";
import { SameIncident } from "./same-incident.js";
import { SamePerson } from "./same-person.js";
import { Player } from "./player.js";
import { Suggestions } from "./suggestions.js";
import { TicketForm } from "./ticket-form.js";
import { Timeline } from "./timeline.js";
import { Transcript } from "./transcript.js";

export const TicketDetail = {
  setup() {
    const detail = ref(null);
    const problem = ref("");
    const position = ref(-1);
    const player = ref(null);

    async function load() {
      const id = route.value.id;
      problem.value = "";
      try {
        const found = await api.ticket(id);
        if (route.value.id === id) detail.value = found;
      } catch (error) {
        problem.value = error.message;
      }
    }
    const take = (ticket) => {
      if (detail.value?.ticket.id !== ticket.id || ticket.revision < detail.value.ticket.revision) return;
      const justEnded = ticket.ended_at && !detail.value.ticket.ended_at;
      detail.value = { ...detail.value, ticket: { ...ticket, caller: detail.value.ticket.caller } };
      if (justEnded) load();
    };
    let unwatch = () => {};
    onMounted(() => {
      unwatch = watchTickets(take);
      load();
    });
    onBeforeUnmount(() => unwatch());
    watch(() => route.value.id, (id) => {
      if (route.value.view === "tickets" && id) {
        detail.value = null;
        load();
      }
    });

    const agentName = (id) => live.agents.find((agent) => agent.id === id)?.name ?? id;
    const line = (name, value) => value && html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`;
    const about = (ticket) => html`
      <dl class="about-call">
        ${line(isWritten() ? "诉求人" : "来电号码", ticket.caller || "未显示")}${line("渠道", channelName(ticket.channel))}
        ${line(isWritten() ? "来件时间" : "来电时间", dateAndTime(ticket.received_at))}${line("通话时长", !isWritten() && between(ticket.answered_at, ticket.ended_at))}
        ${line("接听坐席", ticket.agent && agentName(ticket.agent))}${line("紧急线路", ticket.emergency_line && lineName(ticket.emergency_line))}
        ${line("结束方式", ticket.ending && endingName(ticket.ending))}
      </dl>`;
    const isRecorded = () => detail.value.legs.some((leg) => leg.recorded);
    const sound = () => {
      if (detail.value.live) return html`<p class="empty">通话还在进行，<a href=${address("calls", detail.value.ticket.call_id)}>到通话页看实时转写</a>。</p>`;
      if (!isRecorded()) return html`<p class="empty">没有录音</p>`;
      return html`<${Player} key=${detail.value.ticket.id} ref=${player} ticketId=${detail.value.ticket.id} legs=${detail.value.legs}
        onPosition=${(seconds) => { position.value = seconds; }} />`;
    };
    const isWritten = () => detail.value.ticket.channel !== "telephone";
    const talk = (ticket, transcript, entries) => isWritten()
      ? html`<${Letters} key=${ticket.id} ticket=${ticket} />`
      : html`<h4>录音与转写</h4>
          ${sound()}
          <${Transcript} said=${transcript} facts=${entries} position=${position.value} seekable=${!detail.value.live && isRecorded()}
            empty="这次通话没有转写" onSeek=${(seconds) => player.value?.seek(seconds)} />`;
    const whole = ({ ticket, transcript, entries }) => html`
      <header class="page-head">
        <a class="back" href=${address("tickets")} aria-label="返回工单列表">‹ 工单</a>
        <h1>${ticket.id}</h1>
        <span class=${`ticket-state state-${ticket.state}`}>${ticketStateName(ticket.state)}</span>
        ${ticket.text_only && html`<em class="text-only">仅可文字联系，请勿致电</em>`}
        ${ticket.wants_person && html`<em class="wants-person">要求人工</em>`}
        ${(ticket.ended_at || isWritten()) && html`<a href=${address("cases", ticket.id)}>受理与办理</a>`}
      </header>
      <div class="detail-columns">
        <div class="sheet detail-form">
          ${about(ticket)}
          <${TicketForm} key=${ticket.id} ticket=${ticket} onSaved=${(saved) => { detail.value = { ...detail.value, ticket: saved }; }} />
          <${Suggestions} key=${`s-${ticket.id}`} ticket=${ticket} />
          <${Decisions} decisions=${ticket.decisions} />
          <${SameIncident} key=${`i-${ticket.id} ${ticket.matter} ${ticket.elements.place}`} ticketId=${ticket.id} />
          <${SamePerson} key=${`p-${ticket.id}`} ticketId=${ticket.id} />
        </div>
        <div class="sheet detail-talk">
          ${talk(ticket, transcript, entries)}
        </div>
        <div class="sheet detail-history"><${Timeline} entries=${entries} /></div>
      </div>`;

    return () => html`
      <main class="page ticket-detail">
        ${problem.value && html`<p class="problem" role="alert">${problem.value} <${ElButton} size="small" onClick=${load}>重试<//> <a href=${address("tickets")}>返回列表</a></p>`}
        ${detail.value ? whole(detail.value) : !problem.value && html`<p class="empty">正在载入……</p>`}
      </main>`;
  },
};
