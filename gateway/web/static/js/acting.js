// Doing something at the server: one at a time per button, with the failure shown where people look.
import { ElMessage, ref } from "./dom.js";

export function useAction() {
  const busy = ref("");
  async function act(name, work, done = "") {
    if (busy.value) return null;
    busy.value = name;
    try {
      const result = await work();
      if (done) ElMessage.success(done);
      return result ?? true;
    } catch (error) {
      ElMessage.error({ message: error.message, duration: 5000, showClose: true });
      return null;
    } finally {
      busy.value = "";
    }
  }
  return { busy, act };
}
