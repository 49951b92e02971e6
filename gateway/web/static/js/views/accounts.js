// The administrator's accounts.
import { useAction } from "../acting.js";
import { api } from "../api.js";
import { ElButton, ElDialog, ElInput, ElOption, ElSelect, html, onMounted, reactive, ref } from "../dom.js";
import { live } from "../live.js";
import { accountRoleName, catalogue, unitName } from "../words.js";

const ROLES = ["agent", "supervisor", "administrator", "unit"];

export const Accounts = {
  setup() {
    const accounts = ref([]);
    const problem = ref("");
    const open = ref(false);
    const edited = reactive({ isNew: true, name: "", display_name: "", role: "agent", agent_id: "", unit: "", password: "" });
    const { busy, act } = useAction();

    async function load() {
      try {
        accounts.value = (await api.accounts()).accounts;
      } catch (error) {
        problem.value = error.message;
      }
    }
    onMounted(load);

    // Whose telephone is his: an agent's, or a supervisor's that rings when he attends a call.
    const seats = () => [
      ...live.agents.map((agent) => [agent.id, `${agent.name}（${agent.number}）`]),
      ...(edited.role === "agent" ? [] : Object.entries(catalogue.supervisors)),
    ];

    function begin(account) {
      Object.assign(edited, { isNew: !account, name: "", display_name: "", role: "agent", agent_id: "", unit: "", ...account, password: "" });
      open.value = true;
    }
    async function save() {
      const { display_name, role, password } = edited;
      const isUnit = role === "unit";
      const agent_id = isUnit ? "" : edited.agent_id;
      const unit = isUnit ? edited.unit : "";
      const done = await act("save", () => api.saveAccount(edited.name.trim(), {
        display_name, role, agent_id, unit, ...(password ? { password } : {}),
      }), "已保存");
      if (done) {
        open.value = false;
        load();
      }
    }
    const text = (label, field, more = {}) => html`
      <label for=${`a-${field}`}>${label}</label>
      <${ElInput} id=${`a-${field}`} modelValue=${edited[field]} onUpdate:modelValue=${(value) => { edited[field] = value; }} ...${more} />`;
    const choice = (label, field, options, more = {}) => html`
      <label for=${`a-${field}`}>${label}</label>
      <${ElSelect} id=${`a-${field}`} modelValue=${edited[field]} onUpdate:modelValue=${(value) => { edited[field] = value ?? ""; }} ...${more}>
        ${options.map(([value, name]) => html`<${ElOption} key=${value} value=${value} label=${name} />`)}
      <//>`;

    return () => html`
      <main class="page accounts">
        <header class="page-head"><h1>账号</h1><${ElButton} type="primary" onClick=${() => begin(null)}>新建账号<//></header>
        <div class="sheet">
          <table>
            <thead><tr>${["账号", "姓名", "身份", "坐席或单位", ""].map((name) => html`<th key=${name} scope="col">${name}</th>`)}</tr></thead>
            <tbody>${accounts.value.map((account) => html`
              <tr key=${account.name}>
                <td data-label="账号">${account.name}</td><td data-label="姓名">${account.display_name}</td>
                <td data-label="身份">${accountRoleName(account.role)}</td>
                <td data-label="坐席或单位">${account.unit ? unitName(account.unit) : live.agents.find((agent) => agent.id === account.agent_id)?.name ?? catalogue.supervisors[account.agent_id] ?? (account.agent_id || "—")}</td>
                <td><${ElButton} size="small" onClick=${() => begin(account)}>修改<//></td>
              </tr>`)}
            </tbody>
          </table>
          ${problem.value && html`<p class="problem" role="alert">${problem.value}</p>`}
        </div>
        <${ElDialog} modelValue=${open.value} title=${edited.isNew ? "新建账号" : `修改 ${edited.name}`} width="min(440px, 92vw)" onClose=${() => { open.value = false; }}>${{
          default: () => html`
            <div class="stacked">
              ${text("账号", "name", { disabled: !edited.isNew })}${text("姓名", "display_name")}
              ${choice("身份", "role", ROLES.map((role) => [role, accountRoleName(role)]))}
              ${edited.role === "unit" ? choice("单位", "unit", Object.entries(catalogue.units)) : choice("坐席（哪部话机）", "agent_id", seats(), { clearable: true, placeholder: "不接电话" })}
              ${text(edited.isNew ? "初始密码（至少 10 个字符）" : "新密码（不改就留空）", "password", { type: "password", showPassword: true, autocomplete: "new-password" })}
            </div>`,
          footer: () => html`
            <${ElButton} onClick=${() => { open.value = false; }}>取消<//>
            <${ElButton} type="primary" loading=${busy.value === "save"} disabled=${!edited.name || !edited.display_name || (edited.isNew && edited.password.length < 10)} onClick=${save}>保存<//>`,
        }}<//>
      </main>`;
  },
};
