// The whole journal, page by page.
import { api } from "../api.js";
import { dateAndTime } from "../clock.js";
import { ElButton, html, onMounted, ref } from "../dom.js";
import { factSentence } from "../facts.js";
import { address } from "../route.js";

const PAGE = 200;

export const Journal = {
  setup() {
    const entries = ref([]);
    const next = ref(null);
    const problem = ref("");
    const busy = ref(false);

    async function load() {
      busy.value = true;
      problem.value = "";
      try {
        const page = await api.journal({ before: next.value, limit: PAGE });
        entries.value = next.value ? entries.value.concat(page.entries) : page.entries;
        next.value = page.next_before;
      } catch (error) {
        problem.value = error.message;
      } finally {
        busy.value = false;
      }
    }
    onMounted(load);

    const row = (entry) => {
      const { weight, text } = factSentence(entry);
      return html`
        <tr key=${entry.seq} class=${`weight-${weight}`}>
          <td data-label="序号">${entry.seq}</td>
          <td data-label="时间">${dateAndTime(entry.at)}</td>
          <td data-label="工单">${entry.ticket_id ? html`<a href=${address("tickets", entry.ticket_id)}>${entry.ticket_id}</a>` : "—"}</td>
          <td data-label="内容" class="about">${text}</td>
          <td data-label="校验值"><code title=${entry.hash}>${entry.hash.slice(0, 12)}</code></td>
        </tr>`;
    };

    return () => html`
      <main class="page journal">
        <header class="page-head"><h1>日志</h1><small>只增不改，每条的校验值都包含上一条；用 jiesu journal verify 核对</small></header>
        <div class="sheet">
          <table>
            <thead><tr>${["序号", "时间", "工单", "内容", "校验值"].map((name) => html`<th key=${name} scope="col">${name}</th>`)}</tr></thead>
            <tbody>${entries.value.map(row)}</tbody>
          </table>
          ${!busy.value && !entries.value.length && !problem.value && html`<p class="empty">还没有记录</p>`}
          ${problem.value && html`<p class="problem" role="alert">${problem.value}</p>`}
          <p class="more"><${ElButton} loading=${busy.value} onClick=${load}>${next.value === null ? "刷新" : "更早的"}<//></p>
        </div>
      </main>`;
  },
};
