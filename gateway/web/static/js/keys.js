// Keys that work wherever nobody is typing.
import { onBeforeUnmount, onMounted } from "./dom.js";

const isTyping = ({ target }) => target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);

// `react` gets the key's event; keys with Ctrl, Alt or Meta belong to the browser.
export function useKeys(react) {
  const hear = (event) => {
    if (!event.ctrlKey && !event.altKey && !event.metaKey && !isTyping(event)) react(event);
  };
  onMounted(() => window.addEventListener("keydown", hear));
  onBeforeUnmount(() => window.removeEventListener("keydown", hear));
}
