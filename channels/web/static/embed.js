// One line for another site: <script src="https://HOST/embed.js" async></script> puts a button there that opens the
// citizens' page in a dialog. data-label and data-side ("left") on the script change its words and its side.
(() => {
  const script = document.currentScript;
  const page = new URL("/web/", script.src);
  const label = script.dataset.label || "12345 在线诉求";

  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { all: initial; }
    button { font: 600 16px/1.4 "PingFang SC", "Microsoft YaHei", "Noto Sans SC", system-ui, sans-serif; cursor: pointer; border: 0; }
    .open { position: fixed; z-index: 2147483000; bottom: 24px; right: 24px; min-height: 52px; padding: 12px 22px; border-radius: 26px; color: #fff; background: #1a5aa6; box-shadow: 0 6px 24px rgb(9 35 70 / 35%); }
    .open.left { right: auto; left: 24px; }
    .open:hover { background: #124580; }
    button:focus-visible { outline: 3px solid #ffb648; outline-offset: 3px; }
    dialog { padding: 0; border: 0; border-radius: 18px; width: min(480px, calc(100vw - 24px)); height: min(820px, calc(100dvh - 24px)); max-width: none; max-height: none; overflow: hidden; box-shadow: 0 24px 80px rgb(0 0 0 / 40%); }
    dialog::backdrop { background: rgb(10 24 44 / 55%); }
    .close { position: absolute; top: 12px; right: 12px; width: 44px; height: 44px; border-radius: 50%; background: #fff; color: #17406f; font-size: 22px; line-height: 1; box-shadow: 0 1px 6px rgb(0 0 0 / 30%); }
    iframe { width: 100%; height: 100%; border: 0; display: block; }
    @media (max-width: 520px) { dialog { width: 100vw; height: 100dvh; border-radius: 0; margin: 0; } }
  `);

  const made = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const open = made("button", { type: "button", className: script.dataset.side === "left" ? "open left" : "open", textContent: label });
  open.setAttribute("aria-haspopup", "dialog");
  const dialog = made("dialog", {});
  dialog.setAttribute("aria-label", label);
  const close = made("button", { type: "button", className: "close", textContent: "×" });
  close.setAttribute("aria-label", "关闭");
  const frame = made("iframe", { title: label, allow: "geolocation; camera; clipboard-write" });
  dialog.append(frame, close);

  open.addEventListener("click", () => {
    if (!frame.src) frame.src = page.href;
    dialog.showModal();
  });
  close.addEventListener("click", () => dialog.close());
  window.addEventListener("message", (event) => {
    if (event.source === frame.contentWindow && event.origin === page.origin && event.data === "jiesu:close") dialog.close();
  });

  const host = made("div", {});
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [style];
  root.append(open, dialog);
  const put = () => document.body.append(host);
  if (document.body) put();
  else document.addEventListener("DOMContentLoaded", put);
})();
