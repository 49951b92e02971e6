// Times as people read them: the calendar in Asia/Shanghai, seconds of a call as minutes and seconds.
import { ref } from "./dom.js";

const format = (options) => new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour12: false, ...options });
const whole = format({ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const short = format({ month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
const hours = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });

const shown = (formatter, at) => (at ? formatter.format(new Date(at)) : "—");
export const dateAndTime = (at) => shown(whole, at);
export const shortTime = (at) => shown(short, at);
export const timeOfDay = (at) => shown(hours, at);

const two = (number) => String(number).padStart(2, "0");

export function duration(seconds) {
  const all = Math.max(0, Math.floor(seconds));
  const hour = Math.floor(all / 3600);
  const rest = `${two(Math.floor(all / 60) % 60)}:${two(all % 60)}`;
  return hour ? `${hour}:${rest}` : rest;
}

// 75.34 → "01:15.3", for places in a recording.
export function place(seconds) {
  const tenths = Math.max(0, Math.round(seconds * 10));
  return `${duration(Math.floor(tenths / 10))}.${tenths % 10}`;
}

export const between = (from, to) => (from && to ? duration((new Date(to) - new Date(from)) / 1000) : "—");

// The browser's stop-watch, as something that views follow.
export const ticking = ref(performance.now());
setInterval(() => {
  ticking.value = performance.now();
}, 500);
