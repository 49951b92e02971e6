// Where in the console one is: the part of the address after #.
import { ref } from "./dom.js";

const read = () => {
  const [view = "calls", id = ""] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  return { view: view || "calls", id };
};

export const route = ref(read());
window.addEventListener("hashchange", () => {
  route.value = read();
});

export const address = (view, id = "") => `#/${view}${id ? `/${encodeURIComponent(id)}` : ""}`;
export const go = (view, id = "") => {
  location.hash = address(view, id);
};
