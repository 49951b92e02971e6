// One command as a dialog: its fields, its articles, and what came back: a denial with the article's words, or what
// others changed meanwhile. What was typed stays until it is done or thrown away.
import { api } from "../api.js";
import { dateAndTime } from "../clock.js";
import { ElButton, ElDialog, html, onBeforeUnmount, onMounted, reactive, ref } from "../dom.js";
import { CaseField } from "./case-field.js";
import { Clauses } from "./clauses.js";

const isEmpty = (value) => value === undefined || value === null || value === "" || (Array.isArray(value) && !value.length);

// The body of a command out of what was typed: what was left empty or as it was is not sent, the rules say whether it is needed.
function bodyOf(form, typed) {
  const body = {};
  for (const { name, kind, default: usual, needed } of form.fields) {
    const value = typed[name];
    if (isEmpty(value) || (!needed && value === usual && kind !== "flag")) continue;
    if (kind === "flag" && Boolean(value) === Boolean(usual) && usual !== null) continue;
    body[name] = kind === "number" ? Number(value) : value;
  }
  for (const { name, kind, default: usual } of form.fields) if (kind === "flag" && usual === null && !(name in body)) body[name] = false;
  return body;
}

const Refusal = ({ refusal }) => refusal && html`
  <section class="denied" role="alert">
    <p>${refusal.message}</p>
    ${refusal.citations.map((c) => html`<blockquote key=${c.obligation}>${c.document}${c.article}：“${c.words}”</blockquote>`)}
    ${refusal.changes.length > 0 && html`<ul>${refusal.changes.map((each) => html`<li key=${each.seq}><time>${dateAndTime(each.at)}</time>　${each.text}</li>`)}</ul>`}
  </section>`;
Refusal.props = ["refusal"];

const refusalOf = (error) => ({
  message: error.message,
  code: error.code,
  citations: Array.isArray(error.current) ? [...new Map(error.current.flatMap((each) => each.citations ?? []).map((each) => [each.obligation, each])).values()] : [],
  changes: error.code === "conflict" ? error.current?.changes ?? [] : [],
});

export const CaseForm = {
  props: { form: { type: Object, required: true }, ticketId: { type: String, required: true }, revision: { type: Number, required: true } },
  emits: ["done", "stale", "close"],
  setup(props, { emit }) {
    const typed = reactive({});
    const refusal = ref(null);
    const busy = ref(false);
    for (const { name, default: usual } of props.form.fields) if (usual !== null) typed[name] = usual;

    const missing = () => props.form.fields.filter(({ name, needed }) => needed && isEmpty(typed[name]));
    async function give() {
      if (busy.value || missing().length) return;
      busy.value = true;
      try {
        emit("done", await api.command(props.ticketId, props.form.do, { revision: props.revision, ...bodyOf(props.form, typed) }));
      } catch (error) {
        refusal.value = refusalOf(error);
        if (error.code === "conflict") emit("stale");
      } finally {
        busy.value = false;
      }
    }
    const onKey = (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      event.stopPropagation(); // a list of choices would open on it
      give();
    };
    onMounted(() => window.addEventListener("keydown", onKey, true));
    onBeforeUnmount(() => window.removeEventListener("keydown", onKey, true));
    const sendWords = () => (refusal.value?.code === "conflict" ? `已看过，仍要${props.form.words}` : props.form.words);

    return () => html`
      <${ElDialog} modelValue=${true} title=${props.form.words} width="min(600px, 96vw)" closeOnClickModal=${false} onClose=${() => emit("close")}>${{
        default: () => html`
          <div class="stacked case-form">
            <${Clauses} citations=${props.form.citations} />
            ${!props.form.fields.length && html`<p>确定要“${props.form.words}”吗？</p>`}
            ${props.form.fields.map((field) => html`<${CaseField} key=${field.name} field=${field} typed=${typed} ticketId=${props.ticketId} />`)}
            <${Refusal} refusal=${refusal.value} />
          </div>`,
        footer: () => html`
          <small class="faint keyboard-hint">Ctrl+Enter 提交，Esc 取消</small>
          <${ElButton} onClick=${() => emit("close")}>取消<//>
          <${ElButton} type="primary" loading=${busy.value} disabled=${missing().length > 0} autofocus=${!props.form.fields.length} onClick=${give}>${sendWords()}<//>`,
      }}<//>`;
  },
};
