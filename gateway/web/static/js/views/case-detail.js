// One case: what was wanted, its periods with their articles, its history, and whatever may be done with it now. The
// server says what that is; here every command has a button, a number key, and a dialog.
import { api } from "../api.js";
import { dateAndTime } from "../clock.js";
import { ElButton, html, onBeforeUnmount, onMounted, ref, watch } from "../dom.js";
import { countInbox } from "../inbox.js";
import { useKeys } from "../keys.js";
import { me } from "../me.js";
import { address, route } from "../route.js";
import { channelName, fieldName, periodStateName, unitName } from "../words.js";
import { CaseForm } from "./case-form.js";
import { Clauses } from "./clauses.js";
import { Deadline } from "./deadline.js";

const LOOKED_AT_EVERY = 15000;
const GROUPS = [["next", "现在该办"], ["petitioner", "诉求人来电"], ["unit", "承办单位"], ["desk", "受理处置"], ["lead", "督办与领导"]];

export const CaseDetail = {
  setup() {
    const file = ref(null);
    const forms = ref([]);
    const revision = ref(0);
    const problem = ref("");
    const chosen = ref(null);
    const news = ref("");
    const isTaken = ref(true);
    let asked = 0;
    let timer = 0;

    async function load() {
      const id = route.value.id;
      asked += 1;
      const mine = asked;
      try {
        const [found, offered] = await Promise.all([api.case(id).catch((error) => (error.status === 404 ? null : Promise.reject(error))), api.caseForms(id)]);
        if (mine !== asked) return;
        file.value = found;
        isTaken.value = Boolean(found);
        forms.value = offered.forms;
        revision.value = offered.revision;
        problem.value = "";
      } catch (error) {
        if (mine === asked) problem.value = error.message;
      }
    }
    // Others work on the same case: what they did shows by itself, and in an open dialog it is said first.
    async function look() {
      if (document.hidden || !file.value) return;
      try {
        const offered = await api.caseForms(route.value.id);
        if (offered.revision === revision.value) return;
        if (chosen.value) news.value = "这张工单刚刚有变化；提交时会先让您看到是谁改了什么。";
        else await load();
      } catch {
        // the next look will tell
      }
    }
    onMounted(() => {
      load();
      timer = setInterval(look, LOOKED_AT_EVERY);
    });
    onBeforeUnmount(() => clearInterval(timer));
    watch(() => route.value.id, (id) => {
      if (route.value.view !== "cases" || !id) return;
      file.value = null;
      chosen.value = null;
      load();
    });

    const begin = (form) => {
      news.value = "";
      chosen.value = form;
    };
    const close = () => {
      chosen.value = null;
      news.value = "";
      load();
    };
    function done() {
      close();
      countInbox();
    }
    const ordered = () => GROUPS.flatMap(([group]) => forms.value.filter((form) => form.group === group));
    useKeys((event) => {
      if (chosen.value || !/^[1-9]$/.test(event.key)) return;
      const form = ordered()[Number(event.key) - 1];
      if (form) {
        event.preventDefault();
        begin(form);
      }
    });

    const button = (form, at) => html`
      <${ElButton} key=${form.do} type=${form.group === "next" ? "primary" : "default"} plain=${/refuse|fail/.test(form.do)} onClick=${() => begin(form)}>
        ${form.words}${at < 9 && html`<kbd>${at + 1}</kbd>`}<//>`;
    const actions = () => {
      const all = ordered();
      if (!all.length) return null;
      return html`
        <nav class="sheet case-actions" aria-label="办理">
          ${GROUPS.map(([group, words]) => {
            const some = all.filter((form) => form.group === group);
            return some.length > 0 && html`<section key=${group}><h4>${words}</h4><div>${some.map((form) => button(form, all.indexOf(form)))}</div></section>`;
          })}
        </nav>`;
    };
    const line = (label, value) => value && html`<div key=${label}><dt>${label}</dt><dd>${value}</dd></div>`;
    const article = () => file.value.history.map((event) => event.details.article).filter(Boolean).at(-1);
    const about = () => {
      const { case: item, petitioner, channel, summary, elements, reply } = file.value;
      const answer = article();
      return html`
        <dl class="about-call">
          ${line("环节", item.stage_words)}${line("类别", item.category_words || (item.stage === "handed_off" ? "紧急事项" : ""))}
          ${line("承办单位", item.unit && unitName(item.unit))}${line("协办单位", item.assist.map(unitName).join("、"))}
          ${line("上级单位", item.above.map(unitName).join("、"))}${line("来件", channelName(channel))}
          ${line("诉求人", petitioner)}${line("受理", dateAndTime(item.received_at))}
          ${line("评价", item.grade)}${line("规则", `${item.profile}（${item.rules_of}）`)}
          ${answer && line("答复依据", html`<a href=${address("knowledge", answer)}>知识 ${answer.replace("@", " 第 ")}${answer.includes("@") ? " 版" : ""}</a>`)}
        </dl>
        <h4>诉求</h4><p class="matter">${summary || item.matter || "—"}</p>
        <dl class="about-call">${Object.entries(elements).map(([name, value]) => line(fieldName(`elements.${name}`), value))}</dl>
        ${reply.result && html`<h4>办理情况</h4><p class="matter">${reply.result}</p><dl class="about-call">${line("责任单位", reply.unit)}${line("经办人", reply.handler)}${line("审核签批人", reply.approver)}${line("联系电话", reply.telephone)}${line("依据", reply.basis)}</dl>`}
        <p class="case-links"><a href=${address("tickets", item.id)} hidden=${me.value.role === "unit"}>通话、录音与转写</a></p>`;
    };
    const periods = () => file.value.periods.length > 0 && html`
      <h4>时限</h4>
      <ol class="periods">${file.value.periods.map((period, index) => html`
        <li key=${index} class=${`period-${period.state}`}>
          <b>${period.words}</b><time>${dateAndTime(period.due)}${period.provisional && "（暂定）"}</time><em>${periodStateName(period.state)}</em><${Clauses} citations=${period.citations} />
        </li>`)}</ol>`;
    const history = () => html`
      <h4>经过</h4>
      <ol class="case-history">${[...file.value.history].reverse().map((event) => html`
        <li key=${event.seq} class=${`event-${event.name}`}><time>${dateAndTime(event.at)}</time><p>${event.text}</p><${Clauses} citations=${event.citations} /></li>`)}</ol>`;
    const dialog = () => chosen.value && html`
      ${news.value && html`<p class="news" role="status">${news.value}</p>`}
      <${CaseForm} key=${chosen.value.do} form=${chosen.value} ticketId=${route.value.id} revision=${revision.value} onDone=${done} onStale=${load} onClose=${close} />`;

    return () => {
      if (problem.value) return html`<main class="page"><p class="problem" role="alert">${problem.value} <${ElButton} size="small" onClick=${load}>重试<//></p><a href=${address("cases")}>回到列表</a></main>`;
      const head = (more) => html`<header class="page-head"><a class="back" href=${address("cases")}>‹ 案件</a><h1>${route.value.id}</h1>${more}</header>`;
      if (!isTaken.value) return html`
        <main class="page ticket-detail case-detail">
          ${head(html`<small>还没有受理</small>`)}
          ${actions()}
          ${!forms.value.length && html`<p class="empty">这张工单还没有受理，您的身份不能受理它</p>`}
          <p class="case-links"><a href=${address("tickets", route.value.id)}>看这张工单的来件、通话与要素</a></p>
          ${dialog()}
        </main>`;
      if (!file.value) return html`<main class="page"><p class="empty">正在载入……</p></main>`;
      return html`
        <main class="page ticket-detail case-detail">
          ${head(html`<span class=${`ticket-state stage-${file.value.case.stage}`}>${file.value.case.stage_words}</span><${Deadline} item=${file.value.case} />`)}
          ${actions()}
          <div class="case-columns"><div class="sheet">${about()}</div><div class="sheet">${periods()}${history()}</div></div>
          ${dialog()}
        </main>`;
    };
  },
};
