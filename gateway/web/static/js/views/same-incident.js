// The tickets of other petitioners about one incident; each keeps its own number and deadline.
import { api } from "../api.js";
import { html, onMounted, ref } from "../dom.js";
import { address } from "../route.js";

export const SameIncident = {
  props: { ticketId: { type: String, required: true } },
  setup(props) {
    const tickets = ref([]);
    onMounted(async () => {
      try {
        tickets.value = (await api.sameIncident(props.ticketId)).tickets;
      } catch {
        tickets.value = []; // the ticket is readable without it
      }
    });
    const link = (ticket) => html` <a key=${ticket.id} href=${address("tickets", ticket.id)}>${ticket.id}</a>`;
    return () => tickets.value.length > 0 && html`
      <p class="same-incident"><b>同一事件：${tickets.value.length + 1} 件</b>${tickets.value.map(link)}</p>`;
  },
};
