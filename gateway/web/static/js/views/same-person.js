// The other tickets of the same person, where carriers or codes prove that it is the same.
import { api } from "../api.js";
import { dateAndTime } from "../clock.js";
import { html, onMounted, ref } from "../dom.js";
import { address } from "../route.js";
import { channelName, ticketStateName } from "../words.js";

export const SamePerson = {
  props: { ticketId: { type: String, required: true } },
  setup(props) {
    const tickets = ref([]);
    onMounted(async () => {
      try {
        tickets.value = (await api.samePerson(props.ticketId)).tickets;
      } catch {
        tickets.value = []; // the ticket is readable without it
      }
    });
    const line = (ticket) => html`
      <li key=${ticket.id}><a href=${address("tickets", ticket.id)}>${ticket.id}</a> ${channelName(ticket.channel)}
        <span class="faint">${ticketStateName(ticket.state)}，${dateAndTime(ticket.received_at)}</span></li>`;
    return () => tickets.value.length > 0 && html`
      <section class="same-person"><h4>同一诉求人的其他工单</h4><ul>${tickets.value.map(line)}</ul></section>`;
  },
};
