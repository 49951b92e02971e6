// What was decided and why, with the regulation's own words.
import { html } from "../dom.js";
import { catalogue, decisionName, outcomeName } from "../words.js";

function evidence({ rule, evidence: seen }) {
  if (rule === "agent.key") return `坐席 ${seen} 按键`;
  if (rule.startsWith("unit.")) return `负责“${catalogue.matters[seen] ?? seen}”`;
  return `依据来电中的“${seen}”`;
}

const reasonView = (reason) => html`
  <li>
    <span>${evidence(reason)}</span> <code>${reason.rule}</code>
    ${reason.citation && html`
      <details>
        <summary>《${reason.citation.document.replace(/[《》]/g, "")}》${reason.citation.article}</summary>
        <blockquote>${reason.citation.words}</blockquote>
      </details>`}
  </li>`;

export const Decisions = ({ decisions }) => html`
  <section class="decisions" aria-label="判定与依据">
    <h4>判定与依据</h4>
    ${decisions.length === 0 && html`<p class="empty">还没有判定</p>`}
    <ul>${decisions.map((decision) => html`
      <li key=${`${decision.kind} ${decision.outcome}`} class=${`decision-${decision.kind}`}>
        <b>${decisionName(decision.kind, decision.outcome)}</b> <strong>${outcomeName(decision.kind, decision.outcome)}</strong>
        <ul>${decision.reasons.map(reasonView)}</ul>
      </li>`)}
    </ul>
  </section>`;
Decisions.props = ["decisions"];
