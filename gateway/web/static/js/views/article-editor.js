// Writing an article, or its next version: who owns it, what it says, until when. Another's version meanwhile is told.
import { api } from "../api.js";
import { ElButton, ElDialog, ElInput, ElOption, ElSelect, html, reactive, ref } from "../dom.js";
import { catalogue } from "../words.js";

const KINDS = [["guide", "知识"], ["duty_roster", "值班"], ["construction", "施工"]];
const BLANK = { title: "", unit: "", body: "", kind: "guide", questions: "", keywords: "", valid_from: "", valid_until: "", place: "", contact: "", source: "" };
const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
const words = (text) => text.split(/[\s、，,]+/).filter(Boolean);
const newId = () => `k-${new Date().toISOString().slice(0, 10).replaceAll("-", "")}-${Math.random().toString(36).slice(2, 7)}`;

export const ArticleEditor = {
  props: { version: { type: Object, default: null } },
  emits: ["done", "close"],
  setup(props, { emit }) {
    const old = props.version?.content;
    const typed = reactive({ ...BLANK, ...old, ...(old && { questions: old.questions.join("\n"), keywords: old.keywords.join("、"), valid_from: old.valid_from ?? "", valid_until: old.valid_until ?? "" }) });
    const id = props.version?.article ?? newId();
    const problem = ref("");
    const busy = ref(false);

    async function save(publish) {
      busy.value = true;
      problem.value = "";
      const content = {
        ...(old ?? {}), ...typed, questions: lines(typed.questions), keywords: words(typed.keywords),
        valid_from: typed.valid_from || null, valid_until: typed.valid_until || null,
      };
      try {
        emit("done", props.version ? await api.editArticle(id, { version: props.version.version, content, publish }) : await api.addArticle({ id, content, publish }));
      } catch (error) {
        problem.value = error.message;
      } finally {
        busy.value = false;
      }
    }
    const text = (label, name, more = {}) => html`
      <label for=${`k-${name}`}>${label}</label>
      <${ElInput} id=${`k-${name}`} modelValue=${typed[name]} onUpdate:modelValue=${(value) => { typed[name] = value; }} ...${more} />`;
    const day = (label, name) => html`
      <div><label for=${`k-${name}`}>${label}</label>
      <input id=${`k-${name}`} class="plain" type="date" value=${typed[name]} onChange=${(event) => { typed[name] = event.target.value; }} /></div>`;
    const lacks = () => !typed.title.trim() || !typed.body.trim() || !typed.unit;

    return () => html`
      <${ElDialog} modelValue=${true} title=${props.version ? "修改知识（成为新版本）" : "写一条知识"} width="min(640px, 96vw)" closeOnClickModal=${false} onClose=${() => emit("close")}>${{
        default: () => html`
          <div class="stacked">
            ${text("标题", "title", { maxlength: 200 })}
            <label for="k-unit">责任单位</label>
            <${ElSelect} id="k-unit" modelValue=${typed.unit} onUpdate:modelValue=${(value) => { typed.unit = value; }} filterable placeholder="谁对它负责">
              ${Object.entries(catalogue.units).map(([value, name]) => html`<${ElOption} key=${value} value=${value} label=${name} />`)}
            <//>
            <label for="k-kind">种类</label>
            <select id="k-kind" class="plain" value=${typed.kind} onChange=${(event) => { typed.kind = event.target.value; }}>${KINDS.map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}</select>
            ${text("内容", "body", { type: "textarea", autosize: { minRows: 4, maxRows: 14 } })}
            ${text("市民会怎么问（一行一个）", "questions", { type: "textarea", autosize: { minRows: 2, maxRows: 6 } })}
            ${text("关键词", "keywords", { placeholder: "用顿号隔开" })}
            <div class="days">${day("有效期自", "valid_from")}${day("至", "valid_until")}</div>
            ${text("地点", "place")}${text("联系电话", "contact")}${text("依据或出处", "source")}
            ${problem.value && html`<p class="problem" role="alert">${problem.value}</p>`}
          </div>`,
        footer: () => html`
          <${ElButton} onClick=${() => emit("close")}>取消<//>
          <${ElButton} loading=${busy.value} disabled=${lacks()} onClick=${() => save(false)}>存为草稿<//>
          <${ElButton} type="primary" loading=${busy.value} disabled=${lacks()} onClick=${() => save(true)}>发布<//>`,
      }}<//>`;
  },
};
