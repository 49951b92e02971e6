// All tickets, newest first, with search by ticket number or caller.
import { api } from "../api.js";
import { between, shortTime } from "../clock.js";
import { ElButton, ElInput, html, onBeforeUnmount, onMounted, ref } from "../dom.js";
import { watchTickets } from "../live.js";
import { address, go } from "../route.js";
import { catalogue, channelName, lineName, ticketStateName, unitName } from "../words.js";

const PAGE = 50;
const COLUMNS = ["工单号", "时间", "诉求人", "诉求", "类别", "承办单位", "状态", "通话"];

export const Tickets = {
  setup() {
    const tickets = ref([]);
    const next = ref(null);
    const search = ref("");
    const state = ref("loading");
    const problem = ref("");
    let asked = 0;

    async function load(more = false) {
      asked += 1;
      const mine = asked;
      state.value = "loading";
      try {
        const page = await api.tickets({ search: search.value.trim(), limit: PAGE, before: more ? next.value : null });
        if (mine !== asked) return;
        tickets.value = more ? [...tickets.value, ...page.tickets] : page.tickets;
        next.value = page.next_before;
        state.value = "ready";
      } catch (error) {
        if (mine !== asked) return;
        problem.value = error.message;
        state.value = "failed";
      }
    }

    function refresh(ticket) {
      const index = tickets.value.findIndex((known) => known.id === ticket.id);
      if (index >= 0) tickets.value.splice(index, 1, ticket);
      else if (!search.value) tickets.value.unshift(ticket);
    }
    let unwatch = () => {};
    onMounted(() => {
      unwatch = watchTickets(refresh);
      load();
    });
    onBeforeUnmount(() => unwatch());

    let waiting = 0;
    const typed = (value) => {
      search.value = value;
      clearTimeout(waiting);
      waiting = setTimeout(load, 300);
    };

    const about = (ticket) => [catalogue.matters[ticket.matter], ticket.summary].filter(Boolean).join("：") || "未听到诉求";
    const duration = (ticket) => {
      if (ticket.channel !== "telephone") return "—";
      return ticket.ended_at ? between(ticket.answered_at, ticket.ended_at) : html`<span class="ongoing">进行中</span>`;
    };
    const row = (ticket) => html`
      <tr key=${ticket.id} class=${{ urgent: ticket.emergency_line }} onClick=${() => go("tickets", ticket.id)}>
        <td data-label="工单号"><a href=${address("tickets", ticket.id)}>${ticket.id}</a></td>
        <td data-label="时间">${shortTime(ticket.received_at)}</td>
        <td data-label="诉求人">${ticket.caller || "未显示"}<small>${channelName(ticket.channel)}</small>${ticket.text_only && html`<em class="text-only">勿致电</em>`}${ticket.wants_person && html`<em class="wants-person">要求人工</em>`}</td>
        <td data-label="诉求" class="about"><p>${ticket.emergency_line && html`<b>${lineName(ticket.emergency_line)}</b>`}${about(ticket)}</p></td>
        <td data-label="类别">${catalogue.categories[ticket.category] ?? "待判定"}</td>
        <td data-label="承办单位">${ticket.unit ? unitName(ticket.unit) : "—"}</td>
        <td data-label="状态"><span class=${`ticket-state state-${ticket.state}`}>${ticketStateName(ticket.state)}</span></td>
        <td data-label="通话">${duration(ticket)}</td>
      </tr>`;
    const rest = () => {
      if (state.value === "failed") return html`<p class="problem" role="alert">${problem.value} <${ElButton} size="small" onClick=${() => load()}>重试<//></p>`;
      if (state.value === "loading") return html`<p class="empty">正在载入……</p>`;
      if (!tickets.value.length) return html`<p class="empty">${search.value ? `没有找到“${search.value}”` : "还没有工单。第一个来电或来件会自动建立。"}</p>`;
      return next.value ? html`<p class="more"><${ElButton} onClick=${() => load(true)}>更早的工单<//></p>` : null;
    };

    return () => html`
      <main class="page tickets">
        <header class="page-head">
          <h1>工单</h1>
          <${ElInput} class="search" modelValue=${search.value} onUpdate:modelValue=${typed} clearable placeholder="工单号、来电号码或邮箱" aria-label="查找工单" />
        </header>
        <div class="sheet">
          <table>
            <thead><tr>${COLUMNS.map((name) => html`<th key=${name} scope="col">${name}</th>`)}</tr></thead>
            <tbody>${tickets.value.map(row)}</tbody>
          </table>
          ${rest()}
        </div>
      </main>`;
  },
};
