// Editing a ticket while it fills itself: what a person types stays until it is saved, and wins from then on.
import { api } from "./api.js";
import { ElMessage, ElMessageBox, reactive, ref, watch } from "./dom.js";
import { fieldName } from "./words.js";

const FLASH = 2200;
export const FIELDS = [
  "category", "matter", "unit", "elements.time", "elements.place", "elements.person", "elements.cause", "elements.course",
  "elements.outcome", "summary",
];
export const valueOf = (ticket, field) => (field.startsWith("elements.") ? ticket.elements[field.slice(9)] : ticket[field]);

// `current` returns the ticket as last told; `saved` takes the ticket as the server has written it.
export function useDrafts(current, saved) {
  const drafts = reactive({});
  const flashing = reactive({});
  const saving = ref("");

  watch(current, (now, before) => {
    if (!now || !before || now.id !== before.id) {
      for (const field of FIELDS) delete drafts[field];
      return;
    }
    for (const field of FIELDS) {
      if (valueOf(now, field) !== valueOf(before, field) && !now.edited.includes(field)) flash(field);
    }
  });

  function flash(field) {
    flashing[field] = true;
    setTimeout(() => delete flashing[field], FLASH);
  }
  const shown = (field) => drafts[field]?.value ?? valueOf(current(), field);
  const isEdited = (field) => current().edited.includes(field) || field in drafts;

  function type(field, value) {
    drafts[field] = { value, seen: drafts[field]?.seen ?? valueOf(current(), field) };
  }

  async function commit(field) {
    const draft = drafts[field];
    if (!draft || saving.value === field) return;
    if (draft.value === draft.seen) {
      delete drafts[field];
      return;
    }
    saving.value = field;
    try {
      await save(field, draft, current().revision);
      if (drafts[field]?.value === draft.value) delete drafts[field];
    } catch (error) {
      ElMessage.error({ message: `“${fieldName(field)}”没有保存：${error.message}`, duration: 6000, showClose: true });
    } finally {
      saving.value = "";
    }
  }

  // Automatic filling moves the revision on all the time; only another person's words in the same field are a conflict.
  async function save(field, draft, revision) {
    try {
      saved(await api.editTicket(current().id, revision, { [field]: draft.value }));
    } catch (error) {
      if (error.code !== "conflict" || !error.current) throw error;
      const theirs = valueOf(error.current, field);
      if (theirs !== draft.seen && !(await overwrites(field, theirs, draft.value))) {
        saved(error.current);
        delete drafts[field];
        return;
      }
      saved(await api.editTicket(current().id, error.current.revision, { [field]: draft.value }));
    }
  }

  return { shown, isEdited, type, commit, flashing, saving };
}

async function overwrites(field, theirs, ours) {
  try {
    await ElMessageBox.confirm(`别人刚把“${fieldName(field)}”改成了“${theirs}”，您写的是“${ours}”。`, "同一处被改过", {
      confirmButtonText: "用我的", cancelButtonText: "用对方的", type: "warning",
    });
    return true;
  } catch {
    return false;
  }
}
