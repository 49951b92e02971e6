// Small helpers around the document: find, make, and the Chinese of dates.

export const $ = (id) => document.getElementById(id);

// Make an element; `props` are properties, but for data and aria-* and what has a dash, which are attributes.
export function make(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name.includes("-") || name === "role" || name === "for") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

export function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

const DAY = new Intl.DateTimeFormat("zh-CN", { month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
const HOUR = new Intl.DateTimeFormat("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false });

export function when(text) {
  const at = new Date(text);
  return (at.toDateString() === new Date().toDateString() ? HOUR : DAY).format(at);
}

export const date = (text) => DAY.format(new Date(text));

// A copy button that says that it has copied.
export function copyButton(text, what) {
  const button = make("button", { type: "button", className: "quiet", "aria-label": `复制${what}` }, "复制");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "已复制";
    } catch {
      button.textContent = "请长按选取";
    }
  });
  return button;
}
