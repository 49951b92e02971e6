// A deadline as a coloured mark with the time that is left.
import { shortTime, ticking } from "../clock.js";
import { deadlineOf } from "../deadlines.js";
import { html } from "../dom.js";

export const Deadline = ({ item }) => {
  void ticking.value; // so that the time left is told anew
  const deadline = deadlineOf(item);
  if (!deadline) return html`<span class="faint">—</span>`;
  return html`<span class="deadline"><span class=${`card card-${deadline.tone}`}>${deadline.mark}</span><time>${shortTime(item.handle_due)}</time><small>${deadline.left}</small></span>`;
};
Deadline.props = ["item"];
