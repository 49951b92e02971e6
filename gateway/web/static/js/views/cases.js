// Cases in the closed loop: what is overdue first, by stage and unit. A unit's person sees those of his unit.
import { api } from "../api.js";
import { shortTime } from "../clock.js";
import { ElButton, ElOption, ElSelect, html, onMounted, ref } from "../dom.js";
import { me } from "../me.js";
import { address, go } from "../route.js";
import { catalogue, stageName, unitName } from "../words.js";

const COLUMNS = ["工单号", "受理时间", "类别", "环节", "承办单位", "办理期限"];
const STAGES = ["accepted", "dispatched", "signed", "return_pending", "extension_pending", "replied", "redo", "closed", "answered", "refused", "handed_off"];

export const CardMark = ({ item }) => {
  if (item.card === "red") return html`<span class="card card-red">红牌</span>`;
  if (item.overdue) return html`<span class="card card-red">超期</span>`;
  return item.card === "yellow" ? html`<span class="card card-yellow">黄牌</span>` : null;
};
CardMark.props = ["item"];

export const Cases = {
  setup() {
    const cases = ref([]);
    const next = ref("");
    const stage = ref("");
    const unit = ref("");
    const overdue = ref("");
    const state = ref("loading");
    const problem = ref("");
    let asked = 0;

    async function load(more = false) {
      asked += 1;
      const mine = asked;
      state.value = "loading";
      try {
        const page = await api.cases({ stage: stage.value, unit: unit.value, overdue: overdue.value, after: more ? next.value : "" });
        if (mine !== asked) return;
        cases.value = more ? [...cases.value, ...page.cases] : page.cases;
        next.value = page.next_after;
        state.value = "ready";
      } catch (error) {
        if (mine !== asked) return;
        problem.value = error.message;
        state.value = "failed";
      }
    }
    onMounted(load);

    const choice = (label, chosen, options) => html`
      <${ElSelect} class="narrow" modelValue=${chosen.value} onUpdate:modelValue=${(value) => { chosen.value = value ?? ""; load(); }} clearable placeholder=${label} aria-label=${label}>
        ${options.map(([value, name]) => html`<${ElOption} key=${value} value=${value} label=${name} />`)}
      <//>`;
    const row = (item) => html`
      <tr key=${item.id} onClick=${() => go("cases", item.id)}>
        <td data-label="工单号"><a href=${address("cases", item.id)}>${item.id}</a></td>
        <td data-label="受理时间">${shortTime(item.received_at)}</td>
        <td data-label="类别">${item.category_words}</td>
        <td data-label="环节">${item.stage_words}</td>
        <td data-label="承办单位">${item.unit ? unitName(item.unit) : "—"}</td>
        <td data-label="办理期限">${item.handle_due ? shortTime(item.handle_due) : "—"} <${CardMark} item=${item} /></td>
      </tr>`;
    const rest = () => {
      if (state.value === "failed") return html`<p class="problem" role="alert">${problem.value} <${ElButton} size="small" onClick=${() => load()}>重试<//></p>`;
      if (state.value === "loading") return html`<p class="empty">正在载入……</p>`;
      if (!cases.value.length) return html`<p class="empty">没有符合条件的案件</p>`;
      return next.value ? html`<p class="more"><${ElButton} onClick=${() => load(true)}>更多<//></p>` : null;
    };

    return () => html`
      <main class="page tickets cases">
        <header class="page-head">
          <h1>案件</h1>
          ${choice("全部环节", stage, STAGES.map((id) => [id, stageName(id)]))}
          ${me.value.role !== "unit" && choice("全部单位", unit, Object.entries(catalogue.units))}
          ${choice("不限期限", overdue, [["true", "已超期"]])}
        </header>
        <div class="sheet">
          <table>
            <thead><tr>${COLUMNS.map((name) => html`<th key=${name} scope="col">${name}</th>`)}</tr></thead>
            <tbody>${cases.value.map(row)}</tbody>
          </table>
          ${rest()}
        </div>
      </main>`;
  },
};
