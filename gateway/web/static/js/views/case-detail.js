// One case: its periods with their clauses, its history, and what may be done with it now. What the rules deny is shown
// with the article; whoever comes second is shown what changed.
import { api } from "../api.js";
import { dateAndTime } from "../clock.js";
import { commandsFor, bodyOf } from "../commands.js";
import { ElButton, ElDialog, ElInput, ElOption, ElSelect, ElSwitch, html, onMounted, reactive, ref, watch } from "../dom.js";
import { me } from "../me.js";
import { address, route } from "../route.js";
import { catalogue, channelName, fieldName, periodStateName, unitName } from "../words.js";
import { CardMark } from "./cases.js";

const cited = (citations) => html`<span class="clauses">${citations.map((each) => html`<q key=${each.obligation} class="clause" title=${each.words}>${each.obligation} ${each.article}</q>`)}</span>`;

export const CaseDetail = {
  setup() {
    const file = ref(null);
    const problem = ref("");
    const chosen = ref(null);
    const denied = ref(null);
    const typed = reactive({});
    const busy = ref(false);
    const isTaken = ref(true);

    async function load() {
      try {
        file.value = await api.case(route.value.id);
        problem.value = "";
        isTaken.value = true;
      } catch (error) {
        problem.value = error.message;
        isTaken.value = error.status !== 404 || me.value.role === "unit";
      }
    }
    onMounted(load);
    watch(() => route.value.id, (id) => { if (id) load(); });

    function begin(command) {
      for (const name of Object.keys(typed)) delete typed[name];
      denied.value = null;
      chosen.value = command;
      if (!command.fields.length) give();
    }
    async function give() {
      const command = chosen.value;
      busy.value = true;
      try {
        await api.command(file.value.case.id, command.do, { revision: file.value.case.revision, ...bodyOf(command, typed) });
        chosen.value = null;
        denied.value = null;
      } catch (error) {
        const changes = error.code === "conflict" ? error.current?.changes ?? [] : [];
        const reasons = Array.isArray(error.current) ? error.current : [];
        denied.value = { message: error.message, reasons, changes };
        if (!command.fields.length) chosen.value = null;
      } finally {
        busy.value = false;
      }
      await load();
    }

    async function take() {
      busy.value = true;
      try {
        await api.command(route.value.id, "accept", { revision: 0, category: typed.category, urgency: typed.urgency ?? "normal" });
        denied.value = null;
      } catch (error) {
        denied.value = { message: error.message, reasons: Array.isArray(error.current) ? error.current : [], changes: [] };
      } finally {
        busy.value = false;
      }
      if (!denied.value) await load();
    }
    const pick = (label, name, options) => html`
      <label for=${`c-${name}`}>${label}</label>
      <${ElSelect} id=${`c-${name}`} modelValue=${typed[name]} onUpdate:modelValue=${(value) => { typed[name] = value; }}>
        ${options.map(([value, words]) => html`<${ElOption} key=${value} value=${value} label=${words} />`)}
      <//>`;
    const taking = () => html`
      <main class="page case-detail">
        <header class="page-head"><a class="back" href=${address("cases")}>‹ 案件</a><h1>${route.value.id}</h1><small>还没有受理</small></header>
        ${complaint()}
        <div class="sheet stacked narrow-form">
          ${pick("类别", "category", Object.entries(catalogue.categories))}
          ${pick("紧急程度", "urgency", [["normal", "一般"], ["urgent", "紧急"], ["sudden", "突发"], ["utility", "水电气暖"], ["simple", "简易"]])}
          <${ElButton} type="primary" loading=${busy.value} disabled=${!typed.category} onClick=${take}>受理<//>
        </div>
      </main>`;
    const input = (field) => {
      const bind = { id: `c-${field.name}`, modelValue: typed[field.name], "onUpdate:modelValue": (value) => { typed[field.name] = value; } };
      const options = Object.entries(catalogue.units).map(([value, name]) => html`<${ElOption} key=${value} value=${value} label=${name} />`);
      if (field.kind === "unit") return html`<${ElSelect} ...${bind} filterable>${options}<//>`;
      if (field.kind === "units") return html`<${ElSelect} ...${bind} multiple clearable>${options}<//>`;
      if (field.kind === "flag") return html`<${ElSwitch} ...${bind} />`;
      return html`<${ElInput} ...${bind} type=${field.rows ? "textarea" : "text"} rows=${field.rows ?? 1} />`;
    };
    const complaint = () => denied.value && html`
      <section class="denied" role="alert">
        <p>${denied.value.message}</p>
        ${denied.value.reasons.map((each) => html`<div key=${each.text}>${each.citations.map((c) => html`<blockquote key=${c.obligation}>${c.document}${c.article}：“${c.words}”</blockquote>`)}</div>`)}
        ${denied.value.changes.length > 0 && html`<ul>${denied.value.changes.map((each) => html`<li key=${each.seq}>${dateAndTime(each.at)}　${each.text}</li>`)}</ul>`}
      </section>`;
    const keys = () => commandsFor(me.value.role, file.value.case.stage).map((command) => html`
      <${ElButton} key=${command.words} type=${command.primary ? "primary" : "default"} disabled=${busy.value} onClick=${() => begin(command)}>${command.words}<//>`);
    const line = (label, value) => value && html`<div key=${label}><dt>${label}</dt><dd>${value}</dd></div>`;
    const about = () => {
      const { case: item, petitioner, channel, summary, elements, reply } = file.value;
      return html`
        <dl class="about-call">
          ${line("环节", item.stage_words)}${line("类别", item.category_words)}
          ${line("承办单位", [item.unit, ...item.assist].filter(Boolean).map(unitName).join("、"))}${line("来件", channelName(channel))}
          ${line("诉求人", petitioner)}${line("受理", dateAndTime(item.received_at))}
          ${line("评价", item.grade)}${line("规则", `${item.profile}（${item.rules_of}）`)}
        </dl>
        <h4>诉求</h4><p>${summary || item.matter || "—"}</p>
        <dl class="about-call">${Object.entries(elements).map(([name, value]) => line(fieldName(`elements.${name}`), value))}</dl>
        ${reply.result && html`<h4>办理情况</h4><p>${reply.result}</p><dl class="about-call">${line("经办人", reply.handler)}${line("联系电话", reply.telephone)}${line("依据", reply.basis)}</dl>`}`;
    };
    const periods = () => html`
      <h4>时限</h4>
      <table class="periods"><tbody>${file.value.periods.map((period, index) => html`
        <tr key=${index} class=${`period-${period.state}`}>
          <td>${period.words}</td><td>${dateAndTime(period.due)}${period.provisional && "（暂定）"}</td><td>${periodStateName(period.state)}</td><td>${cited(period.citations)}</td>
        </tr>`)}</tbody></table>`;
    const history = () => html`
      <h4>经过</h4>
      <ol class="case-history">${[...file.value.history].reverse().map((event) => html`
        <li key=${event.seq} class=${`event-${event.name}`}><time>${dateAndTime(event.at)}</time><p>${event.text}</p>${cited(event.citations)}</li>`)}</ol>`;

    return () => {
      if (!isTaken.value) return taking();
      if (problem.value) return html`<main class="page"><p class="problem" role="alert">${problem.value}</p><a href=${address("cases")}>回到列表</a></main>`;
      if (!file.value) return html`<main class="page"><p class="empty">正在载入……</p></main>`;
      return html`
        <main class="page ticket-detail case-detail">
          <header class="page-head"><a class="back" href=${address("cases")}>‹ 案件</a><h1>${file.value.case.id}</h1><${CardMark} item=${file.value.case} /><div class="keys">${keys()}</div></header>
          ${!chosen.value && complaint()}
          <div class="case-columns"><div class="sheet">${about()}</div><div class="sheet">${periods()}${history()}</div></div>
          <${ElDialog} modelValue=${Boolean(chosen.value?.fields.length)} title=${chosen.value?.words ?? ""} width="min(560px, 94vw)" onClose=${() => { chosen.value = null; }}>${{
            default: () => chosen.value && html`<div class="stacked">${chosen.value.fields.map((field) => html`<label key=${`l-${field.name}`} for=${`c-${field.name}`}>${field.label}</label>${input(field)}`)}${complaint()}</div>`,
            footer: () => chosen.value && html`
              <${ElButton} onClick=${() => { chosen.value = null; }}>取消<//>
              <${ElButton} type="primary" loading=${busy.value} disabled=${chosen.value.fields.some(({ name, needed }) => needed && !typed[name])} onClick=${give}>${chosen.value.words}<//>`,
          }}<//>
        </main>`;
    };
  },
};
