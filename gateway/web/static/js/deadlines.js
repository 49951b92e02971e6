// How a deadline stands: green while there is time, yellow with its card or on its last day, red once it has passed.
const DAY = 24 * 3600 * 1000;

const words = (milliseconds) => {
  const minutes = Math.floor(Math.abs(milliseconds) / 60000);
  const days = Math.floor(minutes / 1440);
  const hours = Math.floor(minutes / 60) % 24;
  if (days) return `${days}天${hours ? `${hours}小时` : ""}`;
  return hours ? `${hours}小时${minutes % 60 ? `${minutes % 60}分` : ""}` : `${minutes}分钟`;
};

// → { tone: "green" | "yellow" | "red", mark: what the card says, left: how long there is, or how late it is }
export function deadlineOf(item, now = Date.now()) {
  if (!item.handle_due) return null;
  const left = new Date(item.handle_due) - now;
  if (item.card === "red" || item.overdue || left <= 0) return { tone: "red", mark: item.card === "red" ? "红牌" : "超期", left: `已超 ${words(left)}` };
  if (item.card === "yellow" || left < DAY) return { tone: "yellow", mark: item.card === "yellow" ? "黄牌" : "将到期", left: `剩 ${words(left)}` };
  return { tone: "green", mark: "期限内", left: `剩 ${words(left)}` };
}
