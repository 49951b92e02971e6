// The ticket as a form that fills itself while people talk.
import { ElInput, ElOption, ElSelect, html } from "../dom.js";
import { useDrafts } from "../drafts.js";
import { catalogue, fieldName } from "../words.js";

const CHOICES = { category: "categories", matter: "matters", unit: "units" };
const ELEMENTS = ["time", "place", "person", "cause", "course", "outcome"].map((name) => `elements.${name}`);
const LONG = new Set(["elements.cause", "elements.course", "elements.outcome"]);

export const TicketForm = {
  props: { ticket: { type: Object, required: true } },
  emits: ["saved"],
  setup(props, { emit }) {
    const drafts = useDrafts(() => props.ticket, (ticket) => emit("saved", ticket));

    const row = (field, control) => html`
      <div key=${field} class=${["field", { flashing: drafts.flashing[field], edited: drafts.isEdited(field) }]}>
        <label for=${`f-${field}`}>${fieldName(field)}${drafts.isEdited(field) && html`<em title="人工填写，不再自动改">人工</em>`}</label>
        ${control}
      </div>`;
    const choice = (field) => row(field, html`
      <${ElSelect} id=${`f-${field}`} modelValue=${drafts.shown(field)} filterable clearable placeholder="待判定" disabled=${drafts.saving.value === field}
        onUpdate:modelValue=${(value) => { drafts.type(field, value ?? ""); drafts.commit(field); }}>
        ${Object.entries(catalogue[CHOICES[field]]).map(([id, name]) => html`<${ElOption} key=${id} value=${id} label=${name} />`)}
      <//>`);
    const text = (field, rows) => row(field, html`
      <${ElInput} id=${`f-${field}`} modelValue=${drafts.shown(field)} placeholder="未听到" maxlength="4000"
        type=${rows ? "textarea" : "text"} autosize=${rows ? { minRows: rows, maxRows: 8 } : false}
        onUpdate:modelValue=${(value) => drafts.type(field, value)} onBlur=${() => drafts.commit(field)}
        onKeydown=${(event) => event.key === "Enter" && (event.ctrlKey || !rows) && event.target.blur()} />`);

    return () => html`
      <form class="ticket-form" onSubmit=${(event) => event.preventDefault()} aria-label="工单">
        <div class="choices">${["category", "matter", "unit"].map(choice)}</div>
        <h4>六要素</h4>
        <div class="elements">${ELEMENTS.map((field) => text(field, LONG.has(field) ? 1 : 0))}</div>
        ${text("summary", 3)}
      </form>`;
  },
};
