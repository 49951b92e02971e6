// What to do in an emergency, at once and in red: a number to call, or a text message where calling is impossible.
import { $, make } from "./dom.js";

const NAMES = { 110: "报警", 119: "火警", 120: "急救", 122: "交通事故报警" };
let sms = "";

export function useSms(number) {
  sms = number;
  const link = $("strip-sms");
  link.hidden = !number;
  link.href = `sms:${number}`;
  link.textContent = `不便说话：短信 ${number}`;
}

// Links to the ways, the best first: to who must not or can't speak, the text message.
export function ways(lines, textOnly) {
  const calls = lines.map((line) => make("a", { href: `tel:${line}` }, `拨打 ${line}${NAMES[line] ? ` ${NAMES[line]}` : ""}`));
  const texts = sms ? [make("a", { href: `sms:${sms}` }, `发短信到 ${sms}`)] : [];
  return textOnly && texts.length ? [...texts, ...calls] : [...calls, ...texts];
}

export function showEmergency(lines, told, textOnly) {
  if (!lines?.length) return;
  const box = $("emergency");
  const links = ways(lines, textOnly);
  for (const link of links.slice(1)) link.className = "second";
  const close = make("button", { type: "button", className: "plain" }, "我知道了");
  close.addEventListener("click", () => {
    box.hidden = true;
    $("main").focus();
  });
  const advice = textOnly
    ? "您说过不便通话：请用短信报警，写清地点、发生了什么、有没有人受伤；也可以请身边的人代打电话。"
    : "不要等这里的答复，请现在就打电话；不能说话时可以发短信。";
  box.replaceChildren(
    make("h2", {}, "这可能是紧急情况"),
    make("p", {}, told || ""),
    make("p", {}, advice),
    make("div", { className: "ways" }, ...links),
    close,
  );
  box.hidden = false;
  box.scrollIntoView({ block: "start" });
}
