// What can be done with a case: who may, in which stages, and what each command asks for. The rules decide; this only
// says which buttons are worth showing.
const DESK = ["agent", "supervisor", "administrator"];
const REVIEW = ["supervisor", "administrator"];
const UNIT = ["unit", ...REVIEW];
const AT_UNIT = ["dispatched", "signed", "redo"];
const PENDING = ["return_pending", "extension_pending"];
const OPEN = ["accepted", ...AT_UNIT, ...PENDING, "replied"];

const text = (name, label, more = {}) => ({ name, label, ...more });
const reason = text("reason", "理由");
const unit = text("to", "承办单位", { kind: "unit", needed: true });

export const COMMANDS = [
  { do: "answer", words: "即时答复", roles: DESK, stages: ["accepted"], fields: [] },
  { do: "dispatch", words: "派单", roles: DESK, stages: ["accepted"], primary: true, fields: [unit, text("assist", "协办单位", { kind: "units" }), text("designated", "争议后指定承办", { kind: "flag" })] },
  { do: "dispatch", words: "转派下级", roles: ["unit"], stages: ["dispatched", "signed"], fields: [unit] },
  { do: "sign", words: "签收", roles: UNIT, stages: ["dispatched"], primary: true, fields: [] },
  { do: "contact", words: "已联系诉求人", roles: UNIT, stages: [...AT_UNIT, ...PENDING], fields: [] },
  { do: "reply", words: "反馈办理情况", roles: UNIT, stages: [...AT_UNIT, "extension_pending"], primary: true, fields: [
    text("result", "办理结果", { rows: 3 }), text("basis", "法律政策依据", { rows: 2 }), text("handled_at", "办理时间"), text("unit", "责任单位"),
    text("handler", "经办人"), text("approver", "审核签批人"), text("telephone", "联系电话"), text("told_petitioner", "已回复诉求人", { kind: "flag" }),
    text("case_number", "立案编号"), text("no_case_reason", "不予立案的理由")] },
  { do: "extend", words: "申请延期", roles: UNIT, stages: AT_UNIT, fields: [reason, text("approved_by", "批准人"), text("days", "延长工作日数", { kind: "number" })] },
  { do: "return", words: "申请退单", roles: UNIT, stages: ["dispatched", "signed"], fields: [reason, text("basis", "依据"), text("suggest", "建议转派单位"), text("approved_by", "批准人")] },
  { do: "return_agree", words: "同意退单并转派", roles: REVIEW, stages: ["return_pending"], primary: true, fields: [unit, text("designated", "指定承办", { kind: "flag" })] },
  { do: "return_refuse", words: "不同意退单", roles: REVIEW, stages: ["return_pending"], fields: [reason] },
  { do: "extend_agree", words: "同意延期", roles: REVIEW, stages: ["extension_pending"], primary: true, fields: [] },
  { do: "extend_refuse", words: "不同意延期", roles: REVIEW, stages: ["extension_pending"], fields: [reason] },
  { do: "audit_pass", words: "审核通过，办结", roles: REVIEW, stages: ["replied"], primary: true, fields: [] },
  { do: "audit_fail", words: "审核退回", roles: REVIEW, stages: ["replied"], fields: [reason] },
  { do: "urge", words: "催办", roles: DESK, stages: OPEN, fields: [] },
  { do: "append", words: "追加内容", roles: DESK, stages: [...OPEN, "closed", "answered"], fields: [text("text", "追加的内容", { rows: 3, needed: true })] },
  { do: "grade", words: "登记评价", roles: DESK, stages: ["closed", "answered"], fields: [text("grade", "评价", { needed: true })] },
  { do: "follow_up_failed", words: "回访未接通", roles: DESK, stages: ["closed"], fields: [] },
  { do: "redo_request", words: "要求重办", roles: DESK, stages: ["closed"], fields: [] },
  { do: "redo_agree", words: "同意重办", roles: REVIEW, stages: ["closed"], fields: [] },
  { do: "redo_refuse", words: "不同意重办", roles: REVIEW, stages: ["closed"], fields: [] },
  { do: "appeal", words: "申诉", roles: UNIT, stages: ["closed", "redo", "replied"], fields: [text("evidence", "依据", { rows: 3 })] },
];

export const commandsFor = (role, stage) => COMMANDS.filter(({ roles, stages }) => roles.includes(role) && stages.includes(stage));

// The body of a command out of what was typed: what was left empty is not sent, and the rules then say whether it is needed.
export function bodyOf(command, typed) {
  const body = {};
  for (const { name, kind } of command.fields) {
    const value = typed[name];
    if (value === undefined || value === "" || value === false || (Array.isArray(value) && !value.length)) continue;
    body[name] = kind === "number" ? Number(value) : value;
  }
  return body;
}
