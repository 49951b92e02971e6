// What was decided and why, with the regulation's own words.
import { html } from "../dom.js";
import { catalogue, decisionName, outcomeName, unitName } from "../words.js";

function evidence({ rule, evidence: seen }) {
  if (rule === "agent.key") return `坐席 ${seen} 按键`;
  if (rule === "answer.knowledge") return `知识库：${seen}`;
  if (rule.startsWith("unit.")) return `负责“${catalogue.matters[seen] ?? seen}”`;
  if (rule.startsWith("gazetteer.")) {
    const [words, confidence] = seen.split(" ");
    return `由“${words}”认出，把握 ${Math.round(confidence * 100)}%`;
  }
  if (rule.startsWith("runner_up.")) {
    return `其次是 ${unitName(rule.slice("runner_up.".length))}（${catalogue.matters[seen] ?? seen}）`;
  }
  return `依据来电中的“${seen}”`;
}

const citationView = (citation) => html`
  <details>
    <summary>${citation.document.includes("《") ? citation.document : `《${citation.document}》`}${citation.article}</summary>
    <blockquote>${citation.words}</blockquote>
  </details>`;

// Reasons that rest on the same article quote it once, after the last of them.
function reasonView(reason, index, reasons) {
  const { citation } = reason;
  const isLast = !reasons.slice(index + 1).some((later) => later.citation?.obligation === citation?.obligation);
  return html`<li key=${index}><span>${evidence(reason)}</span> <code>${reason.rule}</code>${citation && isLast && citationView(citation)}</li>`;
}

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
