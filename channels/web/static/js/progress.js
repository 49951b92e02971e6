// How a ticket stands: asked with number and code, those of this browser at one touch.
import { $, date, make } from "./dom.js";
import { ask } from "./net.js";
import { matters } from "./store.js";

export function useProgress() {
  $("enquiry").addEventListener("submit", (event) => {
    event.preventDefault();
    enquire();
  });
}

export function showMine() {
  const mine = matters().filter((matter) => matter.ticket_id);
  const chips = mine.map((matter) => {
    const button = make("button", { type: "button", className: "quiet" }, make("b", {}, matter.ticket_id), make("span", {}, matter.about ?? ""));
    button.addEventListener("click", () => {
      $("ticket_id").value = matter.ticket_id;
      $("query_code").value = matter.query_code;
      enquire();
    });
    return button;
  });
  $("mine").replaceChildren(...(chips.length ? [make("div", { className: "chips" }, make("h2", {}, "在本机提交过的"), ...chips)] : []));
}

// What people type: full-width figures, blanks.
const typed = (field) => field.value.normalize("NFKC").replace(/\s/g, "");

async function enquire() {
  const [number, code] = [$("ticket_id"), $("query_code")];
  tell("");
  $("found").replaceChildren();
  const empty = [number, code].filter((field) => !typed(field));
  for (const field of [number, code]) {
    if (empty.includes(field)) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
  if (empty.length) {
    tell("请填写工单编号和查询码");
    empty[0].focus();
    return;
  }
  try {
    show(await ask("POST", "progress", { ticket_id: typed(number), query_code: typed(code) }));
  } catch (failure) {
    tell(failure.field ? "工单编号或查询码的写法不对" : failure.message);
  }
}

function tell(words) {
  $("enquiry-problem").textContent = words;
  for (const field of [$("ticket_id"), $("query_code")]) {
    if (words) field.setAttribute("aria-describedby", "enquiry-problem");
    else field.removeAttribute("aria-describedby");
  }
}

function show(progress) {
  const steps = [...progress.steps].reverse();
  $("found").replaceChildren(
    make("div", { className: "state" }, make("b", {}, progress.state), make("span", {}, `${progress.ticket_id} · ${date(progress.received_at)} 收到`)),
    make("ol", { className: "timeline" }, ...steps.map((step) => make("li", {}, make("time", { dateTime: step.at }, date(step.at)), step.text))),
  );
}
