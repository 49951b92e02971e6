// A supervisor in a call: everybody sees that he is there; he himself listens, whispers to the agent, or joins.
import { api } from "../api.js";
import { useAction } from "../acting.js";
import { ElButton, html } from "../dom.js";
import { me } from "../me.js";
import { attendanceName } from "../words.js";

const SUPERVISORS = ["supervisor", "administrator"];

export const SupervisionPanel = {
  props: {
    callId: { type: String, required: true },
    supervisions: { type: Array, default: () => [] },
    hasAgent: Boolean,
  },
  setup(props) {
    const { busy, act } = useAction();
    const mine = () => props.supervisions.find((one) => one.by === me.value?.name);
    const attend = (attendance) => act(attendance, () => api.supervise(props.callId, attendance), mine() ? "" : "正在呼叫您的话机");
    const leave = () => act("leave", () => api.endSupervision(props.callId));

    const key = (attendance) => html`
      <${ElButton} key=${attendance} size="small" type=${mine()?.attendance === attendance ? "warning" : ""} plain
        aria-pressed=${mine()?.attendance === attendance} disabled=${attendance === "whispering" && !props.hasAgent}
        loading=${busy.value === attendance} onClick=${() => attend(attendance)}>${attendanceName(attendance)}<//>`;
    const present = () => props.supervisions.map((one) => html`
      <span key=${one.by} class="supervisor-present" role="status">班长 ${one.by} ${one.ringing ? "正在接入" : attendanceName(one.attendance)}</span>`);

    return () => {
      const isSupervisor = SUPERVISORS.includes(me.value?.role);
      return (isSupervisor || props.supervisions.length > 0) && html`
        <section class="supervision" aria-label="班长监听">
          ${present()}
          ${isSupervisor && html`<span class="keys">${["listening", "whispering", "joined"].map(key)}
            ${mine() && html`<${ElButton} size="small" loading=${busy.value === "leave"} onClick=${leave}>离开<//>`}</span>`}
        </section>`;
    };
  },
};
