// What the knowledge base suggests for a ticket, asked again as its words change.
import { useAction } from "../acting.js";
import { api } from "../api.js";
import { ElButton, html, onBeforeUnmount, ref, watch } from "../dom.js";
import { ArticleCard } from "./article.js";

const PAUSE = 800;

export const Suggestions = {
  props: { ticket: { type: Object, required: true } },
  setup(props) {
    const hits = ref([]);
    const state = ref("idle");
    const { busy, act } = useAction();
    let waiting = 0;
    let asked = 0;

    async function load() {
      asked += 1;
      const mine = asked;
      try {
        const found = (await api.suggestions(props.ticket.id)).hits;
        if (mine !== asked) return;
        hits.value = found;
        state.value = "ready";
      } catch {
        if (mine === asked) state.value = "failed";
      }
    }
    watch(() => [props.ticket.id, props.ticket.summary, props.ticket.matter, props.ticket.unit].join("\n"), () => {
      clearTimeout(waiting);
      waiting = setTimeout(load, state.value === "idle" ? 0 : PAUSE);
    }, { immediate: true });
    onBeforeUnmount(() => {
      clearTimeout(waiting);
      asked += 1;
    });

    const answers = (version) => props.ticket.decisions.some((one) => one.kind === "answer" && one.outcome === `${version.article}@${version.version}`);
    const key = ({ version }) => (answers(version)
      ? html`<span class="answered">已据此答复</span>`
      : html`<${ElButton} size="small" loading=${busy.value === version.article} onClick=${() => act(version.article, () => api.answerFrom(props.ticket.id, version.article, version.version), "已记下")}>已据此答复<//>`);

    return () => html`
      <section class="suggestions" aria-label="知识库建议">
        <h4>知识库</h4>
        ${hits.value.map((hit) => html`<${ArticleCard} key=${hit.version.article} version=${hit.version} evidence=${hit.evidence} keys=${key(hit)} />`)}
        ${!hits.value.length && html`<p class="empty">${state.value === "failed" ? "知识库暂时查不到，通话不受影响" : "还没有合适的知识"}</p>`}
      </section>`;
  },
};
