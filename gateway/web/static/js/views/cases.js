// Cases in the closed loop: found by their words, narrowed by stage, category, unit and deadline, taken away as a table.
// A unit's person sees those of his unit. What was asked for stays when one comes back from a case.
import { api } from "../api.js";
import { shortTime } from "../clock.js";
import { ElButton, ElInput, ElOption, ElSelect, html, nextTick, onBeforeUnmount, onMounted, reactive, ref } from "../dom.js";
import { useKeys } from "../keys.js";
import { me } from "../me.js";
import { address, go } from "../route.js";
import { catalogue, stageName, unitName } from "../words.js";
import { Deadline } from "./deadline.js";

const PAUSE = 350;
const COLUMNS = ["工单号", "受理时间", "事项", "类别", "环节", "承办单位", "办理期限"];
const STAGES = ["accepted", "dispatched", "signed", "return_pending", "extension_pending", "replied", "redo", "closed", "answered", "refused", "handed_off"];
const DEADLINES = [["overdue", "已超期"], ["24", "24 小时内到期"], ["72", "3 天内到期"]];
const nothing = () => ({ q: "", stage: "", category: "", unit: "", deadline: "" });
const asking = reactive(nothing());

const conditions = () => {
  const { deadline, ...rest } = asking;
  const hours = Number(deadline);
  const due = hours ? new Date(Date.now() + hours * 3600 * 1000).toISOString() : "";
  return { ...rest, q: asking.q.trim(), overdue: deadline === "overdue" ? "true" : "", due_before: due };
};

export const Cases = {
  setup() {
    const cases = ref([]);
    const next = ref("");
    const state = ref("loading");
    const problem = ref("");
    let asked = 0;
    let waiting = 0;

    async function load(more = false) {
      asked += 1;
      const mine = asked;
      state.value = "loading";
      try {
        const page = await api.cases({ ...conditions(), after: more ? next.value : "" });
        if (mine !== asked) return;
        cases.value = more ? [...cases.value, ...page.cases] : page.cases;
        next.value = page.next_after;
        state.value = "ready";
      } catch (error) {
        if (mine !== asked) return;
        if (!more) cases.value = [];
        problem.value = error.message;
        state.value = error.status === 422 ? "unasked" : "failed";
      }
    }
    onMounted(() => load());
    onBeforeUnmount(() => clearTimeout(waiting));
    useKeys((event) => {
      const rows = [...document.querySelectorAll(".cases tbody a")];
      const at = rows.indexOf(document.activeElement);
      const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
      if (event.key === "/") document.querySelector(".cases .search input")?.focus();
      else if (step && rows.length) rows[Math.min(rows.length - 1, Math.max(0, at + step))].focus();
      else return;
      event.preventDefault();
    });

    const typed = (value) => {
      asking.q = value;
      clearTimeout(waiting);
      waiting = setTimeout(load, PAUSE);
    };
    const clear = () => {
      Object.assign(asking, nothing());
      load();
    };
    const isNarrowed = () => Object.values(asking).some(Boolean);
    const choice = (label, name, options) => html`
      <${ElSelect} class="narrow" modelValue=${asking[name]} onUpdate:modelValue=${(value) => { asking[name] = value ?? ""; load(); }} clearable filterable=${options.length > 12} placeholder=${label} aria-label=${label}>
        ${options.map(([value, name_]) => html`<${ElOption} key=${value} value=${value} label=${name_} />`)}
      <//>`;
    const matter = (item) => catalogue.matters[item.matter] ?? item.matter;
    const row = (item) => html`
      <tr key=${item.id} onClick=${() => go("cases", item.id)}>
        <td data-label="工单号"><a href=${address("cases", item.id)} onClick=${(event) => event.stopPropagation()}>${item.id}</a></td>
        <td data-label="受理时间">${shortTime(item.received_at)}</td>
        <td data-label="事项" class="about"><p>${matter(item) || "—"}</p></td>
        <td data-label="类别">${item.category_words || (item.stage === "handed_off" ? "紧急事项" : "—")}</td>
        <td data-label="环节"><span class=${`ticket-state stage-${item.stage}`}>${item.stage_words}</span></td>
        <td data-label="承办单位">${item.unit ? unitName(item.unit) : "—"}${item.assist.length > 0 && html`<small title=${item.assist.map(unitName).join("、")}>+${item.assist.length} 协办</small>`}</td>
        <td data-label="办理期限"><${Deadline} item=${item} /></td>
      </tr>`;
    const empty = () => {
      if (isNarrowed()) return html`<p class="empty">没有符合条件的案件　<${ElButton} size="small" onClick=${clear}>清除条件<//></p>`;
      if (me.value.role === "unit") return html`<p class="empty">还没有派给本单位的案件</p>`;
      return html`<p class="empty">还没有案件。通话结束时判定了类别的工单会自动受理；其余的在“工单”里打开，点“受理与办理”。</p>`;
    };
    const rest = () => {
      if (state.value === "failed") return html`<p class="problem padded" role="alert">${problem.value} <${ElButton} size="small" onClick=${() => load()}>重试<//></p>`;
      if (state.value === "unasked") return html`<p class="empty" role="status">${problem.value}</p>`;
      if (state.value === "loading") return html`<p class="empty" role="status">正在载入……</p>`;
      if (!cases.value.length && !next.value) return empty();
      if (!next.value) return null;
      return html`<p class="more"><${ElButton} onClick=${async () => { const last = cases.value.length; await load(true); await nextTick(); document.querySelectorAll(".cases tbody a")[last]?.focus(); }}>更多<//></p>`;
    };

    return () => html`
      <main class="page tickets cases">
        <header class="page-head">
          <h1>案件</h1>
          <${ElInput} class="search" modelValue=${asking.q} onUpdate:modelValue=${typed} clearable placeholder="内容、地点、工单号或诉求人号码" aria-label="全文查找案件" />
        </header>
        <div class="filters" role="group" aria-label="筛选">
          ${choice("全部环节", "stage", STAGES.map((id) => [id, stageName(id)]))}
          ${choice("全部类别", "category", Object.entries(catalogue.categories))}
          ${me.value.role !== "unit" && choice("全部单位", "unit", Object.entries(catalogue.units))}
          ${choice("不限期限", "deadline", DEADLINES)}
          ${isNarrowed() && html`<${ElButton} onClick=${clear}>清除条件<//>`}
          <a class="take-away" href=${api.casesTable(conditions())} download>导出表格</a>
          <small class="faint keyboard-hint">/ 查找　↑↓ 选择　回车打开</small>
        </div>
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
