// What is said, as bubbles: citizen left, agent right, others left in their own colour; partial words are grey.
import { place } from "../clock.js";
import { computed, html, nextTick, onMounted, ref, watch } from "../dom.js";
import { factSentence } from "../facts.js";
import { lineName, roleName } from "../words.js";

const SHOWN_FACTS = new Set(["leg.answered", "leg.ended", "citizen.told", "call.degraded", "leg.held", "leg.resumed",
  "leg.taken_over", "seat.failed", "supervision.listening", "supervision.whispering", "supervision.joined", "transfer.number_failed"]);

// Cut a text at the emergency phrases heard in it.
function marked(text, phrases) {
  const parts = [];
  let rest = text;
  while (rest) {
    const found = phrases
      .map((hit) => ({ hit, index: rest.indexOf(hit.phrase) }))
      .filter(({ index }) => index >= 0)
      .sort((one, other) => one.index - other.index)[0];
    if (!found) break;
    if (found.index) parts.push(rest.slice(0, found.index));
    parts.push(html`<mark title=${`${lineName(found.hit.line)}　规则 ${found.hit.rule}`}>${found.hit.phrase}</mark>`);
    rest = rest.slice(found.index + found.hit.phrase.length);
  }
  return [...parts, rest];
}

// The emergency phrases that stand: heard, and not taken back by later words.
export function phrasesIn(facts) {
  const hits = new Map();
  for (const { kind, values } of facts) {
    if (kind === "emergency.suspected") hits.set(`${values.line} ${values.phrase}`, values);
    if (kind === "emergency.withdrawn") hits.delete(`${values.line} ${values.phrase}`);
  }
  return [...hits.values()].filter((hit) => hit.phrase);
}

export const Transcript = {
  props: {
    said: { type: Array, required: true },
    facts: { type: Array, default: () => [] },
    position: { type: Number, default: -1 },
    follows: Boolean,
    seekable: Boolean,
    empty: { type: String, default: "还没有人说话" },
  },
  emits: ["seek"],
  setup(props, { emit }) {
    const list = ref(null);
    const atEnd = ref(true);
    const phrases = computed(() => phrasesIn(props.facts));
    const lines = computed(() => {
      const events = props.facts.filter((fact) => SHOWN_FACTS.has(fact.kind) && fact.offset !== null)
        .map((fact) => ({ type: "event", start: fact.offset, fact }));
      return [...props.said, ...events].sort((one, other) => one.start - other.start);
    });

    const toEnd = () => nextTick(() => {
      if (list.value) list.value.scrollTop = list.value.scrollHeight;
    });
    const scrolled = () => {
      const { scrollTop, scrollHeight, clientHeight } = list.value;
      atEnd.value = scrollHeight - scrollTop - clientHeight < 60;
    };
    const goToEnd = () => {
      atEnd.value = true;
      toEnd();
    };
    if (props.follows) {
      onMounted(toEnd);
      watch(lines, () => atEnd.value && toEnd());
    }

    const isNow = (line) => props.position >= line.start && props.position < line.end;
    const time = (line) => (props.seekable
      ? html`<button type="button" class="said-time" title="从这里播放" onClick=${() => emit("seek", line.start)}>▶ ${place(line.start)}</button>`
      : html`<time class="said-time">${place(line.start)}</time>`);
    const phrasesOf = (line) => phrases.value.filter((hit) => hit.phrase_start === null || overlaps(line, hit));
    const words = (line) => {
      if (!isNow(line) || !line.words.length) return marked(line.text, phrasesOf(line));
      return line.words.map((word) => html`<span class=${props.position >= word.start && props.position < word.end ? "word-now" : null}>${word.text}</span>`);
    };
    const bubble = (line) => html`
      <li key=${`${line.leg} ${line.number}`} class=${["said", `said-${line.role}`, { partial: !line.final, now: isNow(line) }]}>
        <div class="said-who">${roleName(line.role)} ${time(line)}</div>
        <p class="said-words" onClick=${() => props.seekable && emit("seek", line.start)}>${words(line)}</p>
      </li>`;
    const gap = (line) => html`
      <li key=${`gap ${line.leg} ${line.start}`} class="said-event gap">
        ${place(line.start)}　转写中断 ${(line.end - line.start).toFixed(1)} 秒（${roleName(line.role) || "一方"}）：${gapReason(line.reason)}
      </li>`;
    const event = (line) => html`
      <li key=${`event ${line.start} ${line.fact.kind} ${line.fact.values.leg ?? ""}`} class="said-event">
        ${place(line.start)}　${factSentence(line.fact).text}
      </li>`;
    const shown = (line) => ({ utterance: bubble, gap, event })[line.type](line);

    return () => html`
      <div class="transcript">
        <ol ref=${list} class="transcript-lines" onScroll=${scrolled} aria-live=${props.follows ? "polite" : "off"} aria-label="通话转写" tabindex="0">
          ${lines.value.length ? lines.value.map(shown) : html`<li class="empty">${props.empty}</li>`}
        </ol>
        ${props.follows && !atEnd.value && html`<button type="button" class="to-end" onClick=${goToEnd}>↓ 最新</button>`}
      </div>`;
  },
};

// Partial words still move a little in time.
const SLACK = 0.5;
const overlaps = (line, hit) => hit.phrase_end > line.start - SLACK && hit.phrase_start < line.end + SLACK;
const gapReason = (reason) => (/[\u4e00-\u9fff]/.test(reason) ? reason : "语音识别重启");
