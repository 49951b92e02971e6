// The knowledge base: search, what is stale, and the check tickets that wait for their owners.
import { useAction } from "../acting.js";
import { api } from "../api.js";
import { dateAndTime } from "../clock.js";
import { ElButton, ElInput, ElMessageBox, html, onBeforeUnmount, onMounted, ref } from "../dom.js";
import { me } from "../me.js";
import { address } from "../route.js";
import { deadlineOf } from "../deadlines.js";
import { ArticleCard } from "./article.js";
import { ArticleEditor } from "./article-editor.js";

const PANES = [["search", "查知识"], ["stale", "久未确认"], ["checks", "核查单"]];
const units = { "working day": "个工作日", "natural day": "天", hour: "小时", minute: "分钟" };
const spanWords = (span) => span.replace(/^(\d+) (.+?)s?$/, (_, count, unit) => `${count}${units[unit] ?? unit}`);
const outcomes = { corrected: "已更正", confirmed: "核对无误" };

export const Knowledge = {
  setup() {
    const pane = ref("search");
    const words = ref("");
    const found = ref([]);
    const freshFor = ref(null);
    const problem = ref("");
    const state = ref("ready");
    const isWriting = ref(false);
    const waitingChecks = ref(0);
    const { busy, act } = useAction();
    const isOwner = () => me.value.role !== "agent";
    let asked = 0;
    let waiting = 0;

    const ask = {
      search: async () => {
        const text = words.value.trim();
        if (text) return (await api.searchKnowledge(text)).hits;
        return (await api.knowledge({ limit: 100 })).articles.map((article) => ({ version: article.latest, article }));
      },
      stale: async () => {
        const page = await api.knowledge({ stale: true });
        freshFor.value = page;
        return page.articles.map((article) => ({ version: article.latest, article }));
      },
      checks: async () => {
        const { checks } = await api.checks({ limit: 200 });
        return [...checks.filter((check) => !check.outcome).reverse(), ...checks.filter((check) => check.outcome)];
      },
    };
    async function countChecks() {
      waitingChecks.value = (await api.checks({ waiting: true, limit: 100 }).catch(() => ({ checks: [] }))).checks.length;
    }
    async function load() {
      asked += 1;
      const mine = asked;
      state.value = "loading";
      problem.value = "";
      try {
        const result = await ask[pane.value]();
        if (mine === asked) found.value = result;
      } catch (error) {
        if (mine === asked) problem.value = error.message;
      }
      if (mine === asked) state.value = "ready";
    }
    onMounted(() => {
      load();
      countChecks();
    });
    onBeforeUnmount(() => clearTimeout(waiting));

    const show = (name) => {
      pane.value = name;
      found.value = [];
      load();
    };
    const typed = (value) => {
      words.value = value;
      clearTimeout(waiting);
      waiting = setTimeout(load, 300);
    };
    async function doubt(version) {
      const answer = await ElMessageBox.prompt("哪里有错漏？将发核查单给责任单位。", "纠错", {
        confirmButtonText: "发出", cancelButtonText: "取消", inputType: "textarea", inputValidator: (text) => Boolean(text?.trim()) || "请写明错在哪里",
      }).catch(() => null);
      if (answer) act(version.article, () => api.raiseCheck(version.article, answer.value.trim()), "核查单已发出").then(countChecks);
    }
    async function confirm(version) {
      if (await act(version.article, () => api.confirmArticle(version.article), "已确认")) load();
    }
    async function reply(check, outcome) {
      if (await act(check.id, () => api.answerCheck(check.id, outcome), "已答复")) {
        load();
        countChecks();
      }
    }

    const keys = ({ version, article }) => html`
      <span class="keys">
        ${(version.state === "published" || article?.published) && html`<${ElButton} size="small" loading=${busy.value === version.article} onClick=${() => doubt(version)}>纠错<//>`}
        ${isOwner() && article?.published && html`<${ElButton} size="small" loading=${busy.value === version.article} onClick=${() => confirm(version)}>确认仍有效<//>`}
      </span>`;
    const dueMark = (check) => {
      const deadline = check.outcome ? null : deadlineOf({ handle_due: check.due, overdue: check.overdue });
      return deadline && html`<span class=${`card card-${deadline.tone}`}>${deadline.left}</span> `;
    };
    const checkRow = (check) => html`
      <tr key=${check.id} class=${{ overdue: check.overdue && !check.outcome }}>
        <td data-label="核查单">${check.id}</td>
        <td data-label="知识" class="about"><a href=${address("knowledge", check.article)}>${check.article}</a><p>${check.words}</p></td>
        <td data-label="责任单位">${check.unit_name}</td>
        <td data-label="期限">${dueMark(check)}${check.due ? dateAndTime(check.due) : "—"}${check.provisional && html`<small>暂定</small>`}${check.citation && html`<small title=${check.citation.words}>${check.citation.article}</small>`}</td>
        <td data-label="结果">${check.outcome ? `${outcomes[check.outcome]}${check.answer && `：${check.answer}`}` : check.overdue ? "已超期" : "待答复"}</td>
        <td>${!check.outcome && isOwner() && html`
          <${ElButton} size="small" loading=${busy.value === check.id} onClick=${() => reply(check, "corrected")}>已更正<//>
          <${ElButton} size="small" loading=${busy.value === check.id} onClick=${() => reply(check, "confirmed")}>核对无误<//>`}</td>
      </tr>`;
    const list = () => {
      if (pane.value !== "checks") return found.value.map((hit) => html`<${ArticleCard} key=${hit.version.article} version=${hit.version} evidence=${hit.evidence} keys=${keys(hit)} />`);
      return html`
        <table>
          <thead><tr>${["核查单", "知识", "责任单位", "期限", "结果", ""].map((name) => html`<th key=${name} scope="col">${name}</th>`)}</tr></thead>
          <tbody>${found.value.map(checkRow)}</tbody>
        </table>`;
    };
    const rest = () => {
      if (problem.value) return html`<p class="problem" role="alert">${problem.value} <${ElButton} size="small" onClick=${load}>重试<//></p>`;
      if (state.value === "loading") return html`<p class="empty">正在查……</p>`;
      return found.value.length ? null : empty();
    };
    const empty = () => {
      if (pane.value === "checks") return html`<p class="empty">没有核查单。发现知识有错漏时，在那一条下面点“纠错”。</p>`;
      if (pane.value === "stale") return html`<p class="empty">没有久未确认的知识</p>`;
      if (words.value.trim()) return html`<p class="empty">没有找到“${words.value.trim()}”，换个说法试试${isOwner() ? "，或写一条知识" : ""}</p>`;
      return html`
        <div class="empty filling">
          <p><b>知识库还是空的</b></p>
          ${isOwner()
            ? html`<p>点右上角“写一条知识”逐条录入；或者在服务器上成批导入各单位报来的文件：</p><p><code>jiesu knowledge import 文件.toml</code></p><p>文件的写法见 <code>config/knowledge/sample_guides.toml</code>。</p>`
            : html`<p>班长和管理员可以录入知识，或用 <code>jiesu knowledge import</code> 成批导入。</p>`}
        </div>`;
    };
    const written = () => {
      isWriting.value = false;
      load();
    };

    return () => html`
      <main class="page knowledge">
        <header class="page-head">
          <h1>知识库</h1>
          <nav class="pane-keys" aria-label="知识库视图">${PANES.map(([name, label]) => html`<button key=${name} type="button" class=${{ on: pane.value === name }} aria-pressed=${pane.value === name} onClick=${() => show(name)}>${label}${name === "checks" && waitingChecks.value > 0 && html`<em>${waitingChecks.value}</em>`}</button>`)}</nav>
          ${pane.value === "search" && html`<${ElInput} class="search" modelValue=${words.value} onUpdate:modelValue=${typed} clearable placeholder="像市民那样问：停水了怎么办" aria-label="查知识" />`}
          ${isOwner() && pane.value === "search" && html`<${ElButton} type="primary" onClick=${() => { isWriting.value = true; }}>写一条知识<//>`}
          ${pane.value === "stale" && freshFor.value && html`<small>超过 ${spanWords(freshFor.value.fresh_for)}没有确认${freshFor.value.citation ? `（${freshFor.value.citation.article}）` : ""}</small>`}
          ${pane.value === "stale" && isOwner() && found.value.length > 0 && html`<${ElButton} loading=${busy.value === "ask"} onClick=${() => act("ask", () => api.askOwners(), "已请责任单位确认")}>请责任单位确认<//>`}
        </header>
        <div class="sheet">${list()}${rest()}</div>
        ${isWriting.value && html`<${ArticleEditor} onDone=${written} onClose=${() => { isWriting.value = false; }} />`}
      </main>`;
  },
};
