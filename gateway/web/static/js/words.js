// What ids are called. Names that the city's configuration gives come from the catalogue; these are the house's own.
import { reactive } from "./dom.js";

export const catalogue = reactive({
  city: "", document: "", categories: {}, matters: {}, units: {}, lines: {}, merged: {}, supervisors: {}, prompts: {}, editable: [],
});

const named = (table) => (id) => table[id] ?? id;

export const roleName = named({ citizen: "市民", agent: "坐席", emergency_desk: "紧急台", unit: "承办单位", supervisor: "班长" });
export const accountRoleName = named({ agent: "坐席", supervisor: "班长", administrator: "管理员", unit: "承办单位" });
export const presenceName = named({
  signed_out: "未登录", ready: "空闲", paused: "示忙", in_call: "通话中", wrap_up: "话后处理",
});
export const callStateName = named({
  ringing: "振铃中", waiting: "等待坐席", talking: "通话中", transfer: "咨询单位", emergency: "紧急转接",
});
export const ticketStateName = named({
  open: "受理中", handed_to_emergency: "已转紧急", taken: "已受理", cut_off: "接听中断",
});
export const stageName = named({
  accepted: "受理", answered: "即时答复", refused: "不予受理", handed_off: "转紧急专线", dispatched: "派单", signed: "签收",
  return_pending: "退单审核中", extension_pending: "延期审核中", replied: "已反馈", closed: "办结", redo: "重办",
});
export const commandName = named({
  accept: "受理", answer: "即时答复", refuse: "不予受理", hand_off: "转紧急专线", dispatch: "派单", sign: "签收", return: "申请退单",
  return_agree: "同意退单", return_refuse: "不同意退单", extend: "申请延期", extend_agree: "同意延期", extend_refuse: "不同意延期",
  urge: "催办", append: "追加", contact: "联系诉求人", reply: "反馈办理情况", audit_pass: "审核通过", audit_fail: "审核退回",
  grade: "评价", follow_up_failed: "回访未接通", redo_request: "要求重办", redo_agree: "同意重办", redo_refuse: "不同意重办",
  appeal: "申诉", supervise: "督办",
});
export const periodStateName = named({
  running: "进行中", paused: "暂停", met: "已完成", missed: "已过期", lifted: "已解除", replaced: "已更新",
});
export const periodKindName = named({
  dispatch: "派单", sign: "签收", return: "退单申请", contact: "联系诉求人", handle: "办理", reply_sms: "发送办理结果短信", survey: "满意度评价",
  appeal: "申诉", phone_unit: "电话通知承办单位", restrict_until: "限制使用热线电话", order: "督办反馈",
});
export const triggerName = named({
  overdue: "超期未办结", near_due: "临近办理时限", redo_unsatisfied: "重办后仍不满意", sent_back: "退回重新办理", sent_back_twice: "连续两次退回重办",
  refused_to_accept: "拒不接受", burst: "短期内集中反映", several_units: "涉及多个部门", ruled_undone: "已有明确意见仍未办结", leader: "领导关注",
  mass_risk: "可能引发群体性事件", unit_rates: "指标偏低", knowledge: "知识库", major: "重大事项", false_reply: "弄虚作假", dragging: "推诿扯皮",
  leak: "泄露信息", retaliation: "打击报复", other: "其他", redo: "重办", return: "退单", urge: "催办", extension: "延期",
});
export const registerName = named({ supervision: "督办", submission: "呈办", publication: "公开", archive: "归档", restriction: "限制来电" });
export const paperStateName = named({
  open: "待办", answered: "已反馈", draft: "待审", published: "已公开", withheld: "不公开", withdrawn: "已撤回", archived: "已归档", appealed: "申诉中",
  ended: "已结束",
});
export const channelName = named({
  telephone: "电话", sms: "短信", mail: "邮件", web: "网页", wechat: "微信", telegram: "Telegram", open311: "Open311",
  platform: "上级平台", app: "城市应用",
});
export const deliveryName = named({
  waiting: "待发送", given_up: "未能送达", accepted: "已发出", delivered: "已送达", read: "对方已读", failed: "对方未收到",
});
export const notSentReason = (error) => (error === "no written way" ? "没有可用的文字渠道" : error);
export const handOffStateName = named({
  suspected: "疑似险情", dialling: "正在呼叫", answered: "已接听，正在通报", joined: "三方通话，等待接收",
  accepted: "对方已接收", dismissed: "误报，已取消", exhausted: "所有号码均未接通", abandoned: "市民已挂机",
  returned: "对方已退回12345",
});
export const transferStateName = named({
  talking: "准备呼叫", consulting: "正在呼叫单位，市民听音乐等待", answered: "与单位单独通话，市民听音乐等待", joined: "三方通话",
  handed_over: "已交给单位", retrieved: "已取回市民", abandoned: "市民已挂机", returned: "单位已退回12345",
});
export const stepName = named({
  suspected: "发现", invited: "呼叫", desk_answered: "接听", desk_joined: "三方", desk_accepted: "接收",
  desk_failed: "未接通", failed: "呼叫失败", chain_exhausted: "均未接通", agent_dismissed: "误报", desk_returned: "退回",
  citizen_left: "市民挂机", alarm: "告警",
});
export const decisionKindName = named({
  category: "事项类别", matter: "诉求事项", emergency: "紧急情况", hand_off: "紧急转接", unit: "承办单位", answer: "即时答复",
  origin: "来电来源", place: "地名库",
});
export const attendanceName = named({ listening: "监听", whispering: "密语", joined: "加入" });
export const numbersReason = named({ always: "", office_hours: "上班时间，咨询电话", off_hours: "非上班时间，值班电话" });
export const fieldName = named({
  category: "类别", matter: "事项", unit: "承办单位", summary: "诉求内容", "elements.time": "时间", "elements.place": "地点",
  "elements.person": "人物", "elements.cause": "起因", "elements.course": "经过", "elements.outcome": "结果",
});
export const endingName = (ending) => {
  const known = {
    "citizen hung up": "市民挂机", finished: "办结后挂机", "no agent": "无坐席接听", "gateway stopped": "系统停止",
    "gateway failed": "系统中断", "never answered": "未接通即挂断", overloaded: "线路已满，已登记回电",
  };
  return known[ending] ?? ending.replace(/^ended by /, "坐席结束：");
};

const componentNames = { sip: "电话信令", media: "通话声音", store: "数据存储", deadlines: "办理时限", recogniser: "语音识别" };
export const componentName = (id) => componentNames[id] ?? id.replace(/^trunk /, "中继 ");
const reasons = {
  restarting: "正在重启", behind: "写入积压，正在补写", "not listening": "未在收听，通话照常、暂无转写",
  "out of service": "中断",
  "not registered": "未注册",
};
export const trunkStatusName = named({
  unknown: "尚未探询", "in service": "在用", "out of service": "中断", "not registered": "未注册",
});
export const componentReason = (reason) => reasons[reason] ?? reason;

export const lineName = (line) => (catalogue.lines[line] ? `${line} ${catalogue.lines[line]}` : line);
export const unitName = (unit) => catalogue.units[unit] ?? unit;

// A matter is decided the way a category is; what its id names says which of the two was meant.
export const isMatter = (kind, outcome) =>
  kind === "matter" || (kind === "category" && !(outcome in catalogue.categories) && outcome in catalogue.matters);

export function decisionName(kind, outcome) {
  return decisionKindName(isMatter(kind, outcome) ? "matter" : kind);
}

export function outcomeName(kind, outcome) {
  if (isMatter(kind, outcome)) return catalogue.matters[outcome] ?? outcome;
  if (kind === "category") return catalogue.categories[outcome] ?? outcome;
  if (kind === "answer" || kind === "place") return outcome;
  if (kind === "origin") return originName(outcome);
  return kind === "unit" ? unitName(outcome) : lineName(outcome);
}

// Where a call comes from: a merged line that was dialled, or an emergency line that passes the matter on.
export const originName = (outcome) => (catalogue.merged[outcome] ? `拨打 ${outcome} ${catalogue.merged[outcome]}` : `${lineName(outcome)} 转来`);

// Why nobody was reached at a number, in the protocol's words or ours.
export function failureName(failure) {
  if (/^no answer/.test(failure)) return "无人接听";
  if (/is not registered/.test(failure)) return "话机未登录";
  if (/^(486|600)/.test(failure)) return "忙";
  if (/^603/.test(failure)) return "拒接";
  if (/^(404|410|484|604)/.test(failure)) return "号码不存在";
  if (/^(480|408|5\d\d)/.test(failure)) return "暂时无法接通";
  return failure;
}
