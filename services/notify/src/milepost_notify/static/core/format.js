// Owns how numbers, times and values are written in English; must know nothing of tasks.

const LANG = "en";
const TIME = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const whole = new Intl.NumberFormat(LANG);
const time = new Intl.DateTimeFormat(LANG, TIME);
const day = new Intl.DateTimeFormat(LANG, { month: "short", day: "numeric", ...TIME });

/** Seconds in a unit, its name, and the number of seconds from which the next one reads better. @type {[number, string, number][]} */
const SPANS = [[1, "second", 100], [60, "minute", 5_400], [3_600, "hour", 172_800], [86_400, "day", Infinity]];

/** Any JSON value for people; a list of records takes a line each, led by the first field. @param {unknown} value @returns {string} */
export function plain(value) {
  if (value === null || value === undefined) return "none";
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) {
    const deep = value.some((inner) => inner !== null && typeof inner === "object");
    return value.length ? value.map(plain).join(deep ? "\n" : ", ") : "none";
  }
  if (typeof value !== "object") return String(value);
  const [[, first] = [null, null], ...rest] = Object.entries(value);
  const said = rest.map(([name, inner]) => `${name.replaceAll("_", " ")}: ${plain(inner)}`).join(", ");
  return said ? `${plain(first)} (${said})` : plain(first);
}

/** @param {number} value */
export const number = (value) => whole.format(value);

/** @param {number} ms */
export const clockTime = (ms) => time.format(ms);

/** @param {number} ms @returns {string} */
export function span(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 1) return "less than a second";
  const [size, unit] = SPANS.find(([, , below]) => seconds < below) ?? SPANS[SPANS.length - 1];
  const count = Math.round(seconds / size);
  return `${number(count)} ${unit}${count === 1 ? "" : "s"}`;
}

/** @param {string} at @param {number} nowMs */
export function when(at, nowMs) {
  const ms = Date.parse(at);
  if (ms > nowMs && ms - nowMs < 100_000) return `in ${span(ms - nowMs)}`;
  const same = new Date(ms).toDateString() === new Date(nowMs).toDateString();
  return same ? `at ${time.format(ms)}` : `on ${day.format(ms)}`;
}

/** @param {string} text */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {string} text */
export const sentence = (text) => (/[.!?…]$/.test(text) ? text : `${text}.`);
