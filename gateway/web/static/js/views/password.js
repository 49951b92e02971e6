// Changing one's own password.
import { api } from "../api.js";
import { useAction } from "../acting.js";
import { ElButton, ElDialog, ElInput, html, ref } from "../dom.js";

const SHORTEST = 10;

export const PasswordDialog = {
  props: { open: Boolean },
  emits: ["close"],
  setup(props, { emit }) {
    const old = ref("");
    const fresh = ref("");
    const again = ref("");
    const { busy, act } = useAction();
    const hint = () => {
      if (fresh.value && fresh.value.length < SHORTEST) return `新密码至少 ${SHORTEST} 个字符`;
      return again.value && again.value !== fresh.value ? "两次输入的新密码不一样" : "";
    };
    const ready = () => old.value && fresh.value.length >= SHORTEST && fresh.value === again.value;

    function close() {
      for (const field of [old, fresh, again]) field.value = "";
      emit("close");
    }
    async function save() {
      if (await act("save", () => api.changePassword(old.value, fresh.value), "密码已修改，其他地方的登录已失效")) close();
    }
    const field = (label, name, model, autocomplete) => html`
      <label for=${name}>${label}</label>
      <${ElInput} id=${name} type="password" autocomplete=${autocomplete} showPassword modelValue=${model.value}
        onUpdate:modelValue=${(value) => { model.value = value; }} />`;

    return () => html`
      <${ElDialog} modelValue=${props.open} title="修改密码" width="min(420px, 92vw)" onClose=${close}>${{
        default: () => html`
          <div class="stacked">
            ${field("原密码", "old-password", old, "current-password")}
            ${field("新密码", "new-password", fresh, "new-password")}
            ${field("再输一次", "new-password-again", again, "new-password")}
            <p class="problem" role="alert">${hint()}</p>
          </div>`,
        footer: () => html`
          <${ElButton} onClick=${close}>取消<//>
          <${ElButton} type="primary" disabled=${!ready()} loading=${busy.value === "save"} onClick=${save}>保存<//>`,
      }}<//>`;
  },
};
