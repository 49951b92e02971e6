// One article of the knowledge base, closed to its title or opened to its words.
import { html } from "../dom.js";
import { address } from "../route.js";
import { unitName } from "../words.js";

const kinds = { guide: "知识", duty_roster: "值班", construction: "施工" };
export const kindName = (kind) => kinds[kind] ?? kind;

export const validity = ({ valid_from: from, valid_until: until }) => {
  if (from && until) return `${from} 至 ${until}`;
  if (until) return `有效至 ${until}`;
  return from ? `自 ${from} 起` : "长期有效";
};

// `keys` is what can be done with it; `evidence` the words it was found by.
export const ArticleCard = ({ version, evidence, keys, open }) => {
  const { content } = version;
  return html`
    <details class=${`article article-${content.kind}`} open=${Boolean(open)}>
      <summary><em>${kindName(content.kind)}</em><b>${content.title}</b>
        <small>${version.unit_name || unitName(content.unit)} · ${validity(content)}${evidence?.length ? ` · 命中 ${evidence.slice(0, 4).join("、")}` : ""}</small>
      </summary>
      <p class="article-body">${content.body}</p>
      ${content.place && html`<p>地点：${content.place}</p>`}
      ${content.contact && html`<p>联系：${content.contact}</p>`}
      <p class="article-foot"><small><a href=${address("knowledge", `${version.article}@${version.version}`)}>${version.article} 第 ${version.version} 版</a>${content.source && ` · ${content.source}`}</small>${keys}</p>
    </details>`;
};
ArticleCard.props = ["version", "evidence", "keys", "open"];
