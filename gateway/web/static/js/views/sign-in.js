// The door.
import { api } from "../api.js";
import { ElButton, ElInput, html, ref } from "../dom.js";

export const SignIn = {
  emits: ["done"],
  setup(_, { emit }) {
    const name = ref("");
    const password = ref("");
    const problem = ref("");
    const busy = ref(false);

    async function submit(event) {
      event.preventDefault();
      if (busy.value) return;
      if (!name.value || !password.value) {
        problem.value = "请填写账号和密码";
        return;
      }
      busy.value = true;
      problem.value = "";
      try {
        emit("done", await api.signIn(name.value.trim(), password.value));
      } catch (error) {
        problem.value = error.message;
        password.value = "";
      } finally {
        busy.value = false;
      }
    }

    return () => html`
      <main class="door">
        <form class="door-card" onSubmit=${submit} aria-label="登录">
          <img src="/static/icon.svg" alt="" width="48" height="48" />
          <h1>接诉 <span>12345 坐席台</span></h1>
          <label for="name">账号</label>
          <${ElInput} id="name" name="username" autocomplete="username" size="large" autofocus
            modelValue=${name.value} onUpdate:modelValue=${(value) => { name.value = value; }} />
          <label for="password">密码</label>
          <${ElInput} id="password" name="password" type="password" autocomplete="current-password" size="large" showPassword
            modelValue=${password.value} onUpdate:modelValue=${(value) => { password.value = value; }} />
          <p class="door-problem" role="alert">${problem.value}</p>
          <${ElButton} type="primary" size="large" nativeType="submit" loading=${busy.value}>登录<//>
          <p class="door-hint">首次启动时，管理员 admin 的密码显示在启动 jiesu 的终端里，只显示一次。</p>
        </form>
      </main>`;
  },
};
