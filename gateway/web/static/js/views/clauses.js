// The articles that something rests on: where they stand, and their own words on demand.
import { html } from "../dom.js";

export const Clauses = ({ citations }) => {
  if (!citations?.length) return null;
  return html`
    <details class="clauses">
      <summary>依据 ${citations.map((each) => each.article).filter((article, at, all) => all.indexOf(article) === at).join("、")}</summary>
      ${citations.map((each) => html`<blockquote key=${each.obligation}><b>${each.document}${each.article}</b>“${each.words}”</blockquote>`)}
    </details>`;
};
Clauses.props = ["citations"];
