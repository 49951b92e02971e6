// Journal entries as a timeline.
import { place, timeOfDay } from "../clock.js";
import { ElSwitch, html, ref } from "../dom.js";
import { factSentence } from "../facts.js";

export const Timeline = {
  props: { entries: { type: Array, required: true } },
  setup(props) {
    const everything = ref(false);
    const shown = () => props.entries
      .map((entry) => ({ entry, ...factSentence(entry) }))
      .filter(({ weight }) => everything.value || weight !== "trace");

    return () => html`
      <section class="timeline" aria-label="全程记录">
        <header><h4>全程记录 <small>${props.entries.length} 条，环环校验，不可改写</small></h4>
          <${ElSwitch} modelValue=${everything.value} onUpdate:modelValue=${(on) => { everything.value = on; }} size="small" inactiveText="全部" aria-label="显示全部" />
        </header>
        <ol>${shown().map(({ entry, weight, text }) => html`
          <li key=${entry.seq} class=${`weight-${weight}`} title=${`第 ${entry.seq} 条 · ${entry.kind}\n${entry.hash}`}>
            <time>${timeOfDay(entry.at)}</time>
            <span class="offset">${entry.offset === null ? "" : place(entry.offset)}</span>
            <span>${text}</span>
          </li>`)}
        </ol>
      </section>`;
  },
};
