// The bar above everything: where one is, who listens, what is wrong, who is there.
import { useAction } from "../acting.js";
import { api } from "../api.js";
import { duration, shortTime, ticking } from "../clock.js";
import { ElPopover, ElTooltip, html, ref } from "../dom.js";
import { inbox, waitingWords } from "../inbox.js";
import { live } from "../live.js";
import { me } from "../me.js";
import { address, route } from "../route.js";
import { accountRoleName, catalogue, componentName, componentReason, presenceName, trunkStatusName } from "../words.js";
import { PasswordDialog } from "./password.js";

const STAFF = ["agent", "supervisor", "administrator"];
const LINKS = [
  { view: "calls", words: "通话", roles: STAFF },
  { view: "tickets", words: "工单", roles: STAFF },
  { view: "cases", words: "案件", roles: null },
  { view: "inbox", words: "收件箱", roles: null },
  { view: "reports", words: "报表", roles: ["supervisor", "administrator", "unit"] },
  { view: "knowledge", words: "知识库", roles: STAFF },
  { view: "journal", words: "日志", roles: ["supervisor", "administrator"] },
  { view: "accounts", words: "账号", roles: ["administrator"] },
];
const modelShort = { demo: "演示模型", official: "官方模型", configured: "语音模型" };
const connection = { open: "已连接", connecting: "正在连接", lost: "连接断开", closed: "未连接" };

export const TopBar = {
  emits: ["sign-out"],
  setup(_, { emit }) {
    const changingPassword = ref(false);
    const { busy, act } = useAction();
    const self = () => live.agents.find((agent) => agent.id === me.value.agent_id);
    const signedIn = () => live.agents.filter((agent) => agent.presence !== "signed_out");
    const links = () => LINKS.filter(({ roles }) => !roles || roles.includes(me.value.role));
    const unread = () => Math.max(0, ...Object.values(inbox.waiting));
    const ongoing = () => live.calls.filter((entry) => !entry.over).length;

    const model = () => {
      const { system } = live;
      if (!system) return null;
      const tone = !system.listening ? "bad" : system.model_kind === "demo" ? "warn" : "good";
      const words = system.listening ? `正在听：${system.model_words}` : "语音识别未在收听，通话照常，暂无转写";
      const short = system.listening ? modelShort[system.model_kind] ?? "语音模型" : "未在收听";
      return html`
        <${ElTooltip} content=${`${words}（${system.model}）`} placement="bottom">
          <span class=${["pill", `pill-${tone}`, "pill-model"]}><i aria-hidden="true" /><span class="long">${words}</span><span class="short">${short}</span></span>
        <//>`;
    };
    const troubles = () => {
      const { system } = live;
      if (!system) return [];
      const list = Object.entries(system.degraded)
        .filter(([id]) => id !== "recogniser")
        .map(([id, reason]) => `${componentName(id)}：${componentReason(reason)}`);
      return system.ledger_behind ? [...list, `${system.ledger_behind} 条记录等待写入`] : list;
    };
    const agentList = () => html`
      <ul class="agents">${live.agents.map((agent) => html`
        <li key=${agent.id} class=${`presence-${agent.presence}`}>
          <i aria-hidden="true" /><b>${agent.name}</b><span>${agent.number}</span><em>${presenceName(agent.presence)}</em><time>${since(agent)}</time>
        </li>`)}
        ${live.agents.length === 0 && html`<li class="empty">没有登记坐席话机</li>`}
      </ul>`;
    const trunks = () => live.system?.trunks ?? [];
    const serving = () => trunks().filter((trunk) => trunk.status === "in service");
    const trunkList = () => html`
      <ul class="trunks">${trunks().map((trunk) => html`
        <li key=${trunk.name} class=${`trunk-${trunk.status.replaceAll(" ", "-")}`}>
          <i aria-hidden="true" /><b>${trunk.name}</b><em>${trunkStatusName(trunk.status)}</em><time>${shortTime(trunk.since)} 起</time>
          <small>${trunk.answered_at ? `最近一次应答：${trunk.answer}，${shortTime(trunk.answered_at)}` : "还没有应答过探询"}</small>
        </li>`)}
      </ul>`;
    const since = (agent) => (agent.presence === "signed_out" ? "" : duration(agent.seconds + (ticking.value - agent.at) / 1000));
    const pause = () => act("pause", () => api.pause(self().presence !== "paused"));
    const selfKeys = () => {
      const mine = self();
      if (!mine) return null;
      const fixed = ["signed_out", "in_call"].includes(mine.presence);
      return html`<button type="button" class=${["self", `presence-${mine.presence}`]} disabled=${fixed || busy.value === "pause"} onClick=${pause}
        title=${fixed ? "话机登录后、通话之外可以切换" : "点一下切换示忙和空闲"}><i aria-hidden="true" />${presenceName(mine.presence)}</button>`;
    };
    const menu = () => html`
      <div class="menu">
        <p><b>${me.value.display_name}</b><small>${me.value.name} · ${accountRoleName(me.value.role)}</small></p>
        <button type="button" onClick=${() => { changingPassword.value = true; }}>修改密码</button>
        <button type="button" onClick=${() => emit("sign-out")}>退出登录</button>
        <small>${Object.entries(live.system?.versions ?? {}).map(([name, version]) => `${name} ${version}`).join(" · ")}</small>
      </div>`;

    return () => html`
      <header class="top">
        <a class="brand" href=${address("calls")}><img src="/static/icon.svg" alt="" width="28" height="28" /><b>接诉</b><small>12345 · ${catalogue.city}</small></a>
        <nav aria-label="主导航">${links().map(({ view, words }) => html`
          <a key=${view} href=${address(view)} class=${{ on: route.value.view === view }} aria-current=${route.value.view === view ? "page" : null}>
            ${words}${view === "inbox" && unread() > 0 && html`<em>${waitingWords(unread())}</em>`}${view === "calls" && ongoing() > 0 && html`<em>${ongoing()}</em>`}</a>`)}
        </nav>
        <div class="top-troubles">${troubles().map((words) => html`<span key=${words} class="pill pill-bad" role="alert"><i aria-hidden="true" />${words}</span>`)}</div>
        <div class="top-state">
          ${model()}
          ${trunks().length > 0 && html`<${ElPopover} trigger="click" width="300" placement="bottom-end">${{
            reference: () => html`<button type="button" class="pill pill-plain">中继 ${serving().length}/${trunks().length}</button>`,
            default: trunkList,
          }}<//>`}
          <${ElPopover} trigger="click" width="300" placement="bottom-end">${{
            reference: () => html`<button type="button" class="pill pill-plain">坐席 ${signedIn().length}/${live.agents.length}</button>`,
            default: agentList,
          }}<//>
          ${selfKeys()}
          <span class=${["dot", `dot-${live.state}`]} role="status" title=${connection[live.state]} aria-label=${connection[live.state]} />
          <${ElPopover} trigger="click" width="220" placement="bottom-end">${{
            reference: () => html`<button type="button" class="me" aria-label="我的账号">${me.value.display_name}</button>`,
            default: menu,
          }}<//>
        </div>
        <${PasswordDialog} open=${changingPassword.value} onClose=${() => { changingPassword.value = false; }} />
      </header>`;
  },
};
