// One article by its address, and any version of it: what an answer given last year rested on stays readable.
import { useAction } from "../acting.js";
import { api } from "../api.js";
import { dateAndTime } from "../clock.js";
import { ElButton, html, onMounted, ref, watch } from "../dom.js";
import { me } from "../me.js";
import { address, route } from "../route.js";
import { ArticleCard } from "./article.js";
import { ArticleEditor } from "./article-editor.js";

const states = { draft: "草稿", published: "已发布", withdrawn: "已撤下" };

export const ArticlePage = {
  setup() {
    const article = ref(null);
    const versions = ref([]);
    const problem = ref("");
    const isEditing = ref(false);
    const { busy, act } = useAction();
    const [id, number] = [() => route.value.id.split("@")[0], () => Number(route.value.id.split("@")[1]) || null];

    async function load() {
      problem.value = "";
      try {
        const [found, every] = await Promise.all([api.article(id()), api.articleVersions(id())]);
        article.value = found;
        versions.value = every.versions;
      } catch (error) {
        problem.value = error.message;
      }
    }
    onMounted(load);
    watch(() => route.value.id, (now) => { if (route.value.view === "knowledge" && now) load(); });

    const shown = () => versions.value.find((each) => each.version === number()) ?? versions.value.find((each) => each.version === article.value.published) ?? article.value.latest;
    const isOwner = () => me.value.role !== "agent";
    async function step(name, words) {
      if (await act(name, () => api.stepArticle(id(), name, article.value.latest.version), words)) load();
    }
    const keys = () => isOwner() && html`
      <${ElButton} onClick=${() => { isEditing.value = true; }}>修改<//>
      ${article.value.latest.state === "draft" && html`<${ElButton} type="primary" loading=${busy.value === "publish"} onClick=${() => step("publish", "已发布")}>发布<//>`}
      ${article.value.published && html`<${ElButton} loading=${busy.value === "withdraw"} onClick=${() => step("withdraw", "已撤下")}>撤下<//>`}`;
    const entry = (each) => html`
      <li key=${each.version} class=${{ on: each.version === shown().version }}>
        <a href=${address("knowledge", `${id()}@${each.version}`)}>第 ${each.version} 版</a> ${states[each.state] ?? each.state}${each.version === article.value.published && html` <b>现行</b>`}
        <small>${dateAndTime(each.at)} ${each.by}${each.note && `：${each.note}`}</small>
      </li>`;

    return () => {
      const head = (more) => html`<header class="page-head"><a class="back" href=${address("knowledge")}>‹ 知识库</a>${more}</header>`;
      if (problem.value) return html`<main class="page">${head("")}<p class="problem" role="alert">${problem.value}</p></main>`;
      if (!article.value) return html`<main class="page">${head("")}<p class="empty">正在载入……</p></main>`;
      const version = shown();
      return html`
        <main class="page knowledge">
          ${head(html`<h1>${version.content.title}</h1>${keys()}`)}
          ${version.version !== article.value.published && html`<p class="not-current" role="status">这不是现行的版本${article.value.published ? `，现行的是第 ${article.value.published} 版` : "，现在没有公开的版本"}。</p>`}
          <div class="article-columns">
            <div class="sheet opened"><${ArticleCard} key=${version.version} version=${version} open=${true} /></div>
            <div class="sheet article-versions"><h4>全部版本</h4><ol>${versions.value.map(entry)}</ol><small class="faint">最近确认 ${dateAndTime(article.value.confirmed_at)} ${article.value.confirmed_by}</small></div>
          </div>
          ${isEditing.value && html`<${ArticleEditor} version=${article.value.latest} onDone=${() => { isEditing.value = false; load(); }} onClose=${() => { isEditing.value = false; }} />`}
        </main>`;
    };
  },
};
