// Emergencies that somebody wrote: on every page until somebody has dealt with them.
import { useAction } from "../acting.js";
import { api } from "../api.js";
import { shortTime } from "../clock.js";
import { ElButton, html, onBeforeUnmount, onMounted, ref } from "../dom.js";
import { watchTickets } from "../live.js";
import { address } from "../route.js";
import { channelName, lineName } from "../words.js";

const isUrgent = (ticket) => ticket.channel !== "telephone" && ticket.emergency_line && ticket.state === "open";
const EVERY = 20000; // the live messages come first; this finds what they missed

export const UrgentLetters = {
  setup() {
    const tickets = ref([]);
    const { busy, act } = useAction();
    let timer = 0;

    function take(ticket) {
      const others = tickets.value.filter((known) => known.id !== ticket.id);
      tickets.value = isUrgent(ticket) ? [ticket, ...others] : others;
    }
    async function load() {
      try {
        tickets.value = (await api.urgentLetters()).tickets;
      } catch {
        // what is shown stays; the next look comes by itself
      }
    }
    let unwatch = () => {};
    onMounted(() => {
      unwatch = watchTickets(take);
      timer = setInterval(load, EVERY);
      load();
    });
    onBeforeUnmount(() => {
      clearInterval(timer);
      unwatch();
    });
    const settle = (ticket, outcome) => act(`${ticket.id}${outcome}`, async () => take(await api.settleEmergency(ticket.id, outcome)));

    const line = (ticket) => html`
      <li key=${ticket.id}>
        <b>${lineName(ticket.emergency_line)}</b>
        <a href=${address("tickets", ticket.id)}>${channelName(ticket.channel)}来件 ${shortTime(ticket.received_at)}　${ticket.summary || "查看内容"}</a>
        ${ticket.text_only && html`<em class="text-only">勿致电</em>`}
        <${ElButton} size="small" loading=${busy.value === `${ticket.id}handed_over`} onClick=${() => settle(ticket, "handed_over")}>专线已接收<//>
        <${ElButton} size="small" loading=${busy.value === `${ticket.id}false_alarm`} onClick=${() => settle(ticket, "false_alarm")}>误报<//>
      </li>`;
    return () => tickets.value.length > 0 && html`<ul class="urgent-letters" role="alert" aria-label="来件中的紧急情况">${tickets.value.map(line)}</ul>`;
  },
};
