// Reports of a period and the registers of numbered papers, with the articles that call for them. A unit's person has
// his unit's report, and the orders to it, which are answered here.
import { useAction } from "../acting.js";
import { api } from "../api.js";
import { dateAndTime } from "../clock.js";
import { ElButton, ElMessageBox, html, onMounted, ref } from "../dom.js";
import { me } from "../me.js";
import { address } from "../route.js";
import { catalogue, paperStateName, periodKindName, registerName, stageName, triggerName, unitName } from "../words.js";
import { Clauses } from "./clauses.js";
import { Deadline } from "./deadline.js";

const REGISTERS = ["supervision", "submission", "publication", "archive", "restriction"];
const RATES = [["response", "响应率"], ["timeliness", "按时率"], ["resolution", "解决率"], ["satisfaction", "满意率"], ["knowledge", "知识库"]];
const VALUES = { reason: "事由", form: "方式", trigger: "情形", answer: "反馈", text: "内容", opinion: "拟办意见", leader: "领导", instruction: "批示", question: "诉求摘要", matter: "事项" };

const two = (number) => String(number).padStart(2, "0");
const monthOf = (back) => {
  const day = new Date();
  day.setDate(1);
  day.setMonth(day.getMonth() - back);
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}`;
};
const periods = () => {
  const now = new Date();
  const quarter = Math.floor(now.getMonth() / 3) + 1;
  return [[monthOf(0), "本月"], [monthOf(1), "上月"], [`${now.getFullYear()}-Q${quarter}`, "本季度"], [String(now.getFullYear()), "本年"]];
};
const share = ({ share: part, whole }) => (part === null ? "—" : html`${(part * 100).toFixed(1)}%<small>${whole}</small>`);
const table = (heads, rows) => html`
  <table><thead><tr>${heads.map((head) => html`<th key=${head} scope="col">${head}</th>`)}</tr></thead>
  <tbody>${rows.map((cells, at) => html`<tr key=${at}>${cells.map((cell, column) => html`<td key=${column} data-label=${heads[column]}>${cell}</td>`)}</tr>`)}</tbody></table>`;

const ReportPane = {
  setup() {
    const days = ref(monthOf(0));
    const report = ref(null);
    const problem = ref("");
    const isBusy = ref(false);
    let asked = 0;

    async function load() {
      asked += 1;
      const mine = asked;
      isBusy.value = true;
      problem.value = "";
      try {
        const found = await api.report(days.value);
        if (mine === asked) report.value = found;
      } catch (error) {
        if (mine === asked) problem.value = error.message;
      }
      if (mine === asked) isBusy.value = false;
    }
    onMounted(load);
    const choose = (value) => {
      days.value = value;
      load();
    };
    const counts = (title, values, name) => {
      const all = Object.entries(values).sort((one, other) => other[1] - one[1]);
      return all.length > 0 && html`<section class="sheet figures"><h4>${title}</h4><ul>${all.map(([key, count]) => html`<li key=${key}><span>${name(key)}</span><b>${count}</b></li>`)}</ul></section>`;
    };
    const shown = () => {
      const { received, before, first, last, units, clauses, matters, hard } = report.value;
      if (!received && !units.length) return html`<p class="empty">${first} 至 ${last} 没有受理的案件</p>`;
      return html`
        <p class="report-head"><b>${received}</b> 件（${first} 至 ${last}），上一期 ${before} 件 <${Clauses} citations=${report.value.citations} /></p>
        <div class="figure-row">
          ${counts("环节", report.value.by_stage, stageName)}${counts("类别", report.value.by_category, (id) => catalogue.categories[id] ?? (id || "未分类"))}${counts("督办情形", report.value.triggers, triggerName)}
        </div>
        <section class="sheet"><h4>承办单位</h4>${table(["名次", "单位", "件数", "办结", "超期", "退单", "重办", ...RATES.map(([, name]) => name), "得分"], units.map((unit) => [
          unit.rank ?? "—", html`${unit.name}${unit.is_flagged && html`<span class="card card-red">连续靠后</span>`}`, unit.tickets, unit.closed, unit.overdue, unit.returns, unit.redos,
          ...RATES.map(([id]) => share(unit.rates[id])), unit.score === null ? "—" : unit.score.toFixed(1)]))}</section>
        ${matters.length > 0 && html`<section class="sheet"><h4>事项</h4>${table(["事项", "件数", "上一期", ""], matters.slice(0, 30).map((each) => [
          catalogue.matters[each.matter] ?? each.matter, each.tickets, each.before, each.is_burst ? html`<span class="card card-red">集中反映</span>` : ""]))}</section>`}
        ${clauses.length > 0 && html`<section class="sheet"><h4>时限条款</h4>${table(["条款", "时限", "给出", "按时", "过期"], clauses.map((each) => [each.row, periodKindName(each.kind), each.given, each.met, each.missed]))}</section>`}
        ${hard.length > 0 && html`<section class="sheet"><h4>难办工单</h4>${table(["工单", "单位", "缘由"], hard.slice(0, 50).map((each) => [html`<a href=${address("cases", each.id)}>${each.id}</a>`, unitName(each.unit), each.why.map(triggerName).join("、")]))}</section>`}`;
    };
    return () => html`
      <div class="filters" role="group" aria-label="统计期间">
        ${periods().map(([value, words]) => html`<button key=${value} type="button" class=${{ "pane-key": true, on: days.value === value }} aria-pressed=${days.value === value} onClick=${() => choose(value)}>${words}</button>`)}
        <input class="plain" aria-label="期间" title="2026-W10、2026-03、2026-Q1、2026 或 2026-03-01..2026-03-15" value=${days.value} onChange=${(event) => choose(event.target.value.trim())} />
      </div>
      ${problem.value && html`<p class="problem" role="alert">${problem.value}</p>`}
      ${isBusy.value ? html`<p class="empty" role="status">正在统计……</p>` : report.value && !problem.value && shown()}`;
  },
};

const RegisterPane = {
  setup() {
    const names = me.value.role === "unit" ? ["supervision"] : REGISTERS;
    const name = ref(names[0]);
    const papers = ref([]);
    const next = ref("");
    const state = ref("loading");
    const problem = ref("");
    const { busy, act } = useAction();

    async function load(more = false) {
      state.value = "loading";
      try {
        const page = await api.register(name.value, { after: more ? next.value : "" });
        papers.value = more ? [...papers.value, ...page.papers] : page.papers;
        next.value = page.next_after;
        state.value = "ready";
      } catch (error) {
        problem.value = error.message;
        state.value = "failed";
      }
    }
    onMounted(() => load());
    const show = (register) => {
      name.value = register;
      papers.value = [];
      load();
    };
    async function answer(paper) {
      const typed = await ElMessageBox.prompt("向热线机构反馈办理情况", `督办 ${paper.number}`, {
        confirmButtonText: "反馈", cancelButtonText: "取消", inputType: "textarea", inputValidator: (text) => Boolean(text?.trim()) || "请写明办理情况",
      }).catch(() => null);
      if (typed && (await act(paper.number, () => api.answerOrder(paper.number, typed.value.trim()), "已反馈"))) load();
    }
    const said = (paper) => Object.entries(VALUES).filter(([key]) => typeof paper.values[key] === "string" && paper.values[key])
      .map(([key, words]) => html`<p key=${key}><small>${words}</small> ${key === "trigger" ? triggerName(paper.values[key]) : paper.values[key]}</p>`);
    const item = (paper) => html`
      <li key=${paper.number} class="message">
        <header><b>${paper.number}</b><span class="ticket-state">${paperStateName(paper.state)}</span>${paper.case_id && html`<a href=${address("cases", paper.case_id)}>${paper.case_id}</a>`}
          ${paper.unit && html`<span>${unitName(paper.unit)}</span>`}<time>${dateAndTime(paper.opened_at)}</time>
          ${paper.due && !paper.closed_at && html`<${Deadline} item=${{ handle_due: paper.due }} />`}</header>
        ${said(paper)}<${Clauses} citations=${paper.citations} />
        ${name.value === "supervision" && !paper.case_id && !paper.closed_at && html`<footer><${ElButton} size="small" loading=${busy.value === paper.number} onClick=${() => answer(paper)}>反馈<//></footer>`}
      </li>`;
    const rest = () => {
      if (state.value === "failed") return html`<p class="problem padded" role="alert">${problem.value} <${ElButton} size="small" onClick=${() => load()}>重试<//></p>`;
      if (state.value === "loading") return html`<p class="empty" role="status">正在载入……</p>`;
      if (!papers.value.length) return html`<p class="empty">这本台账还是空的</p>`;
      return next.value ? html`<p class="more"><${ElButton} onClick=${() => load(true)}>更早的<//></p>` : null;
    };
    return () => html`
      <div class="filters" role="group" aria-label="台账">${names.map((id) => html`<button key=${id} type="button" class=${{ "pane-key": true, on: name.value === id }} aria-pressed=${name.value === id} onClick=${() => show(id)}>${registerName(id)}</button>`)}</div>
      <ul class="sheet messages">${papers.value.map(item)}${rest()}</ul>`;
  },
};

export const Reports = {
  setup() {
    const pane = ref("report");
    return () => html`
      <main class="page reports">
        <header class="page-head">
          <h1>${pane.value === "report" ? "报表" : "台账"}</h1>
          <nav class="pane-keys" aria-label="报表与台账">${[["report", "报表"], ["register", "台账"]].map(([id, words]) => html`<button key=${id} type="button" class=${{ on: pane.value === id }} aria-pressed=${pane.value === id} onClick=${() => { pane.value = id; }}>${words}</button>`)}</nav>
        </header>
        ${pane.value === "report" ? html`<${ReportPane} />` : html`<${RegisterPane} />`}
      </main>`;
  },
};
