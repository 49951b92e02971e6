// Journal facts as sentences. `weight` says how much a fact matters: "alarm", "key", "note" or "trace".
import { catalogue, channelName, commandName, decisionName, deliveryName, endingName, failureName, fieldName, lineName, outcomeName, presenceName, roleName, stageName, stepName, transferStateName, unitName } from "./words.js";

const actions = {
  "hand_off.start": "按下紧急键", "hand_off.confirm": "确认险情", "hand_off.dismiss": "判为误报", "hand_off.accept": "确认对方已接收",
  "transfer.start": "咨询单位", "transfer.join": "接成三方", "transfer.retrieve": "取回市民", "transfer.leave": "离开通话",
  "transfer.ticket": "改派工单", "call.finish": "结束通话", "supervision.listening": "监听", "supervision.whispering": "密语",
  "supervision.joined": "加入通话", "supervision.end": "结束监听",
};
const seconds = (value) => (typeof value === "number" ? `${value.toFixed(1)} 秒` : "");
const quoted = (words) => (words ? `“${words}”` : "");

// How well a leg is heard, in a line: the worse of both ends.
export function soundWords(quality) {
  const worse = (here, there) => Math.max(here, there ?? 0);
  const parts = [`丢包 ${(100 * worse(quality.lost, quality.far_lost)).toFixed(1)}%`, `抖动 ${Math.round(1000 * worse(quality.jitter, quality.far_jitter))} 毫秒`];
  if (typeof quality.round_trip === "number") parts.push(`往返 ${Math.round(1000 * quality.round_trip)} 毫秒`);
  return parts.join("　");
}

const table = {
  "call.offered": (v) => ["key", `来电呼入 ${v.dialled ?? ""}`],
  "call.answered": () => ["key", "接听，开始录音和转写"],
  "call.ended": (v) => ["key", `通话结束：${endingName(String(v.reason ?? ""))}`],
  "call.cut_off": () => ["alarm", "接听中断：系统重启前通话未结束"],
  "call.degraded": (v) => ["alarm", v.task === "recording" ? "录音出错，通话继续" : `通话辅助功能出错（${v.task}），通话继续`],
  "ticket.opened": () => ["note", "建立工单"],
  "ticket.edited": (v) => ["key", `${v.by} 修改了${(v.fields ?? []).map(fieldName).join("、")}`],
  "incident.suspected": (v) => ["note", `疑似同一事件，另有 ${(v.tickets ?? []).length} 件：${(v.tickets ?? []).join("、")}`],
  "ticket.answered": (v) => ["key", `${v.by} 按知识 ${v.article} 第 ${v.version} 版即时答复`],
  "knowledge.written": (v) => ["note", `${v.by} 写了知识 ${v.article} 第 ${v.version} 版${v.published ? "并发布" : ""}`],
  "knowledge.published": (v) => ["note", `${v.by} 发布知识 ${v.article} 第 ${v.version} 版`],
  "knowledge.withdrawn": (v) => ["note", `${v.by} 撤下知识 ${v.article}`],
  "knowledge.confirmed": (v) => ["trace", `${v.by} 确认知识 ${v.article} 仍有效`],
  "knowledge.check_raised": (v) => ["note", `${v.by} 就知识 ${v.article} 发出核查单 ${v.check}`],
  "knowledge.check_answered": (v) => ["note", `${v.by} 答复核查单 ${v.check}`],
  "contact.received": (v) => ["key", `收到${channelName(v.channel)}来件${v.files ? `，附件 ${v.files} 个` : ""}`],
  "contact.edited": () => ["note", "诉求人修改了来件"],
  "answer.written": (v) => ["key", `${v.by} 答复诉求人`],
  "message.sent": (v) => ["note", `已经${channelName(v.channel)}告知诉求人`],
  "message.reported": (v) => [v.state === "failed" ? "alarm" : "trace", `告知诉求人：${deliveryName(v.state)}`],
  "message.resent": (v) => ["note", `${v.by} 重新发送${v.edited ? "（已修改）" : ""}`],
  "emergency.settled": (v) => ["key", v.outcome === "handed_over" ? `${v.by} 确认 ${lineName(String(v.line))} 已接收` : `${v.by} 判为误报`],
  "letters.viewed": (v) => ["trace", `${v.by} 查看了来件`],
  "file.viewed": (v) => ["trace", `${v.by} 查看了附件`],
  "ticket.viewed": (v) => ["trace", `${v.by} 查看了工单`],
  "recording.played": (v) => ["trace", `${v.by} 调听了录音`],
  "recording.closed": () => ["trace", "录音完成，已计算校验值"],
  "recording.packed": (v) => ["trace", `录音压缩存档（${seconds(v.seconds)}），已计算校验值`],
  "recording.deleted": () => ["key", "录音保存期满，已删除"],
  "leg.measured": (v) => ["trace", `话音：${soundWords({ ...v, lost: v.received + v.lost ? v.lost / (v.received + v.lost) : 0 })}${v.srtp ? "，已加密" : ""}`],
  "leg.invited": (v) => ["note", `呼叫${roleName(v.role)} ${v.number ?? ""}`],
  "leg.answered": (v) => ["note", `${roleName(v.role)}接听`],
  "leg.ended": (v) => ["note", `${roleName(v.role)}${v.by_peer ? "挂机" : "离开通话"}`],
  "leg.held": () => ["note", "对方话机按下保持"],
  "leg.resumed": () => ["note", "对方话机恢复通话"],
  "leg.taken_over": (v) => ["note", `${roleName(v.role)}换到另一部话机`],
  "seat.failed": (v) => ["note", `分中心 ${v.number} ${failureName(String(v.reason ?? ""))}`],
  "supervision.listening": (v) => ["key", `班长 ${v.by} 监听`],
  "supervision.whispering": (v) => ["key", `班长 ${v.by} 对坐席密语`],
  "supervision.joined": (v) => ["key", `班长 ${v.by} 加入通话`],
  "supervision.ended": (v) => ["note", `班长 ${v.by} 离开`],
  "supervision.failed": (v) => ["note", `班长 ${v.by} 未接入：${failureName(String(v.detail ?? ""))}`],
  "transfer.number_failed": (v) => ["note", `${unitName(v.unit)}：${failureName(String(v.detail ?? ""))}`],
  "leg.silent": () => ["note", "一方没有声音传来"],
  "leg.audible": () => ["trace", "声音恢复"],
  "digit.pressed": (v) => ["trace", `按键 ${v.digit}`],
  "agent.failed": () => ["note", "坐席未接听，改找下一位"],
  "transcript.gap": (v) => ["note", `转写中断（${v.reason ?? ""}）`],
  "utterance.heard": (v) => ["trace", `${roleName(v.role)}：${v.text ?? ""}`],
  "citizen.told": (v) => ["note", `向市民播放：${catalogue.prompts[v.prompt] ?? v.prompt}`],
  "emergency.suspected": (v) => ["alarm", `${typeof v.phrase_start === "number" ? "听到" : "提到"}${quoted(v.phrase)}，疑似紧急情况（${lineName(String(v.line))}）`],
  "emergency.unserved": (v) => ["alarm", v.reason === "the citizen has gone"
    ? `听到${quoted(v.phrase)}时市民已挂机，请立即回拨核实（${lineName(String(v.line))}）`
    : `${lineName(String(v.line))} 没有可拨打的号码，请坐席处理`],
  "emergency.withdrawn": (v) => ["note", `后面的话排除了${quoted(v.phrase)}`],
  "decision.made": (v) => ["note", `判定${decisionName(v.decision, v.outcome)}：${outcomeName(v.decision, v.outcome)}`],
  "agent.changed": (v) => ["trace", `坐席 ${v.agent} ${presenceName(v.presence)}`],
  "account.changed": (v) => ["key", `${v.by} 修改了账号 ${v.account}${(v.fields ?? []).includes("password") ? "（含密码）" : ""}`],
  "recogniser.lost": () => ["alarm", "语音识别中断，通话照常，正在重启"],
  "recogniser.back": (v) => ["key", `语音识别恢复，中断 ${seconds(v.deaf)}`],
  "journal.doubted": (v) => ["alarm", `日志校验存疑：${v.reason ?? ""}`],
  "action.taken": (v) => ["key", `${v.by} ${actions[v.action] ?? v.action}${v.target ? `（${targetName(v)}）` : ""}`],
};
const targetName = (v) => (v.action.startsWith("transfer") ? unitName(v.target) : lineName(v.target));

// A case's own page says these in the regulation's words; here a line is enough.
const caseWords = {
  commanded: (v) => ["key", `${v.by}：${commandName(v.do)}`],
  stage: (v) => ["key", `工单进入“${stageName(v.stage)}”环节`],
  card: (v) => ["alarm", v.colour === "red" ? "红牌" : "黄牌"],
  supervise: () => ["alarm", "列入督办"],
  missed: () => ["alarm", "时限已过"],
  denied: (v) => ["alarm", `${v.by}：${commandName(v.do)}未获准`],
  grade: (v) => ["key", `满意度评价：${v.grade}`],
  open: (v) => ["key", `形成新工单 ${v.as}`],
  due: () => ["trace", "时限变化"],
  tell: () => ["trace", "告知"],
};
function caseSentence(name, values) {
  const [weight, text] = caseWords[name]?.(values) ?? ["trace", "办理记录"];
  return { weight, text };
}

export function factSentence(fact) {
  const values = fact.values ?? {};
  if (table[fact.kind]) {
    const [weight, text] = table[fact.kind](values);
    return { weight, text };
  }
  if (fact.kind.startsWith("handoff.")) {
    const step = fact.kind.slice("handoff.".length);
    const weight = ["alarm", "desk_failed", "failed", "chain_exhausted", "citizen_left"].includes(step) ? "alarm" : "key";
    return { weight, text: `${lineName(String(values.line))} 转接：${stepName(step)}` };
  }
  if (fact.kind.startsWith("transfer.")) {
    return { weight: "key", text: `${unitName(String(values.unit))}：${transferStateName(values.state)}` };
  }
  if (fact.kind.startsWith("case.")) return caseSentence(fact.kind.slice("case.".length), values);
  return { weight: "trace", text: [fact.kind, values.reason ?? seconds(values.after)].filter(Boolean).join("　") };
}
