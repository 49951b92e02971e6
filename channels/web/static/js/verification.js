// Proving a telephone number or a mailbox by the code that is sent there, so that what comes from it joins the matter.
import { make } from "./dom.js";
import { ask } from "./net.js";

const field = (id, text, input) => make("div", { className: "field" }, make("label", { htmlFor: id }, text), input);

export function verification(token, telephone) {
  const to = make("input", { id: "prove-to", type: "text", autocomplete: "tel", maxLength: 254, value: telephone });
  const code = make("input", { id: "prove-code", type: "text", inputMode: "numeric", autocomplete: "one-time-code", maxLength: 6 });
  const sending = make("button", { type: "button", className: "plain" }, "发送验证码");
  const confirming = make("button", { type: "button", className: "plain" }, "确认");
  const note = make("p", { className: "hint", role: "status" });
  const second = make("div", { hidden: true }, field(code.id, "六位验证码", code), confirming);

  async function act(button, path, body, then) {
    button.disabled = true;
    try {
      await ask("POST", path, body, token);
      then();
    } catch (failure) {
      note.textContent = failure.message;
    } finally {
      button.disabled = false;
    }
  }
  sending.addEventListener("click", () =>
    act(sending, "verification", { to: to.value.trim() }, () => {
      note.textContent = "验证码已发送，十分钟内有效";
      second.hidden = false;
      code.focus();
    }),
  );
  confirming.addEventListener("click", () =>
    act(confirming, "verification/confirmed", { code: code.value.trim() }, () => {
      sending.hidden = second.hidden = true;
      to.disabled = true;
      note.textContent = "已验证：今后从这里补充的情况会归到同一件";
    }),
  );
  return make(
    "details",
    { className: "prove" },
    make("summary", {}, "验证手机号或邮箱（可选）"),
    make("p", { className: "hint" }, "验证后，您用它打电话、发短信或邮件补充的情况，会归到同一件诉求。"),
    field(to.id, "手机号码或邮箱", to),
    sending,
    second,
    note,
  );
}
