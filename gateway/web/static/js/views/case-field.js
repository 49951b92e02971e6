// One field of a form, as the server describes it.
import { api } from "../api.js";
import { ElInput, ElOption, ElSelect, ElSwitch, html, onMounted, ref } from "../dom.js";
import { address } from "../route.js";
import { catalogue } from "../words.js";
import { Clauses } from "./clauses.js";

const PAUSE = 300;
const SPANS = ["1 hour", "2 hours", "4 hours", "1 working day", "2 working days", "3 working days", "5 working days", "7 working days", "10 working days", "15 working days"];
const spanWords = (span) => span.replace(/^(\d+) (hour|working day)s?$/, (_, count, unit) => `${count}${unit === "hour" ? "小时" : "个工作日"}`);
const entries = (table) => Object.entries(table);

// Local wall-clock time of the browser, as <input type="datetime-local"> has it, with its zone's offset.
const withOffset = (text) => {
  if (!text) return "";
  const offset = -new Date(text).getTimezoneOffset();
  const two = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
  return `${text}:00${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`;
};

// The article that answered, found by words; what the ticket itself suggests comes first.
const ArticleChoice = {
  props: { ticketId: { type: String, required: true }, value: { type: String, default: "" }, id: { type: String, required: true } },
  emits: ["choose"],
  setup(props, { emit }) {
    const hits = ref([]);
    const words = ref("");
    const problem = ref("");
    let waiting = 0;
    let asked = 0;

    async function load() {
      asked += 1;
      const mine = asked;
      problem.value = "";
      try {
        const found = words.value.trim() ? await api.searchKnowledge(words.value.trim()) : await api.suggestions(props.ticketId);
        if (mine === asked) hits.value = found.hits.slice(0, 6);
      } catch (error) {
        if (mine === asked) problem.value = error.message;
      }
    }
    onMounted(load);
    const typed = (value) => {
      words.value = value;
      clearTimeout(waiting);
      waiting = setTimeout(load, PAUSE);
    };
    const choice = ({ version }) => html`
      <label key=${version.article} class="article-choice">
        <input type="radio" name=${props.id} value=${version.article} checked=${props.value === version.article} onChange=${() => emit("choose", version)} />
        <span>${version.content.title}<small>${version.unit_name} · 第 ${version.version} 版 · <a href=${address("knowledge", version.article)} target="_blank" rel="noopener">看全文</a></small></span>
      </label>`;
    return () => html`
      <div class="article-choices">
        <${ElInput} id=${props.id} modelValue=${words.value} onUpdate:modelValue=${typed} clearable placeholder="在知识库里找答复所依据的那一条" />
        ${hits.value.map(choice)}
        ${problem.value && html`<p class="problem" role="alert">${problem.value}</p>`}
        ${!hits.value.length && !problem.value && html`<small class="faint">${words.value ? "没有找到" : "没有合适的建议，可以输入词语查找"}；也可以不选</small>`}
      </div>`;
  },
};

export const CaseField = {
  props: { field: { type: Object, required: true }, typed: { type: Object, required: true }, ticketId: { type: String, default: "" } },
  setup(props) {
    const id = () => `f-${props.field.name}`;
    const put = (value) => { props.typed[props.field.name] = value; };
    const value = () => props.typed[props.field.name];
    const pick = (options, empty) => html`
      <select id=${id()} class="plain" value=${value() ?? ""} onChange=${(event) => put(event.target.value)}>
        ${empty && html`<option value="">${empty}</option>`}
        ${options.map(([key, words]) => html`<option key=${key} value=${key}>${words}</option>`)}
      </select>`;
    const chosen = () => props.field.options.find((option) => option.value === value());
    const units = (more) => html`
      <${ElSelect} id=${id()} modelValue=${value()} onUpdate:modelValue=${put} filterable clearable placeholder="选单位" ...${more}>
        ${entries(catalogue.units).map(([key, name]) => html`<${ElOption} key=${key} value=${key} label=${name} />`)}
      <//>`;
    const takeArticle = (version) => {
      props.typed.article = version.article;
      props.typed.version = version.version;
    };
    const text = (more) => html`<${ElInput} id=${id()} modelValue=${value() ?? ""} onUpdate:modelValue=${put} ...${more} />`;
    const inputs = {
      choice: () => html`${pick(props.field.options.map((option) => [option.value, option.words]), "请选择")}
        ${chosen()?.told.length > 0 && html`<small class="faint">将告知诉求人：${chosen().told.join("；")}</small>`}<${Clauses} citations=${chosen()?.citations} />`,
      line: () => pick(entries(catalogue.lines).map(([line, name]) => [line, `${line} ${name}`]), "请选择"),
      span: () => pick(SPANS.map((span) => [span, spanWords(span)]), "没有"),
      unit: () => units({}),
      units: () => units({ multiple: true }),
      flag: () => html`<${ElSwitch} id=${id()} modelValue=${Boolean(value())} onUpdate:modelValue=${put} activeText="是" inactiveText="否" inlinePrompt />`,
      number: () => text({ type: "number", min: 1, max: 366 }),
      instant: () => html`<input id=${id()} class="plain" type="datetime-local" onChange=${(event) => put(withOffset(event.target.value))} />`,
      lines: () => text({ type: "textarea", autosize: { minRows: 2, maxRows: 8 }, maxlength: 4000 }),
      article: () => html`<${ArticleChoice} id=${id()} ticketId=${props.ticketId} value=${value() ?? ""} onChoose=${takeArticle} />`,
      text: () => text({ maxlength: 4000 }),
    };
    return () => {
      const { field } = props;
      if (field.kind === "version") return null;
      return html`
        <div class="case-field">
          <label for=${id()}>${field.label}${field.needed && html`<b class="needed" title="必填">*</b>`}${!field.needed && field.asked && html`<b class="asked" title="规定要求载明">规定须填</b>`}</label>
          ${inputs[field.kind]()}
        </div>`;
    };
  },
};
