// Owns what a task and a failed request are called in a language; must return plain text and decide nothing.

import { createFormat, sentence, spaced } from "./format.js";
import { en } from "./messages.js";
import { outcomes } from "./outcomes.js";
import { hasEnded, livenessOf, percentOf } from "./tasks.js";

/** @typedef {import("./types.js").Task} Task */
/** @typedef {ReturnType<typeof createWords>} Words */

/** The first of these languages that we speak; English when there is none. @param {readonly (string|null|undefined)[]} wanted */
export const speak = (wanted) => wanted.find((lang) => /^(en|ko)\b/i.test(lang ?? "")) ?? "en";

/**
 * @param {string} lang a BCP 47 tag of a language we speak
 * @param {...(Record<string, string>|undefined)} own words that replace the English ones
 */
export function createWords(lang, ...own) {
  const short = lang.slice(0, 2).toLowerCase();
  /** @type {Record<string, string>} */
  const messages = Object.assign({}, en, ...own);
  const format = createFormat(lang);
  const { number, span } = format;

  /** @param {string} template @param {Record<string, string|number>} values numbers are written in the language; `n` chooses between one and many */
  function fill(template, values) {
    const [one, many = one] = template.split("|");
    const text = typeof values.n === "number" && format.plural.select(values.n) !== "one" ? many : one;
    return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number(values[name]) : String(values[name] ?? "")));
  }

  /** @param {string} key @param {Record<string, string|number>} [values] */
  const say = (key, values = {}) => fill(messages[key] ?? key, values);
  /** @param {Task} task */
  const outcome = (task) => outcomes[task.type]?.(task, words);

  /** @param {string} at @param {number} nowMs */
  function when(at, nowMs) {
    const ms = Date.parse(at);
    if (ms > nowMs && ms - nowMs < 100_000) return format.ahead(ms - nowMs);
    const same = new Date(ms).toDateString() === new Date(nowMs).toDateString();
    return same ? say("at", { t: format.time(ms) }) : say("on", { t: format.day(ms) });
  }

  /** Any JSON value for people; a list of records takes a line each, led by the first field. @param {unknown} value @returns {string} */
  function plain(value) {
    if (value === null || value === undefined) return say("none");
    if (typeof value === "number") return number(value);
    if (typeof value === "boolean") return say(value ? "yes" : "no");
    if (Array.isArray(value)) {
      const deep = value.some((inner) => inner !== null && typeof inner === "object");
      return value.length ? value.map(plain).join(deep ? "\n" : ", ") : say("none");
    }
    if (typeof value !== "object") return String(value);
    const [[, first] = [null, null], ...rest] = Object.entries(value);
    const said = rest.map(([name, inner]) => `${name.replaceAll("_", " ")}: ${plain(inner)}`).join(", ");
    return said ? `${plain(first)} (${said})` : plain(first);
  }

  const words = {
    say,
    fill,
    plain,
    outcome,
    when,
    format,
    lang: short,

    /** @param {Task} task */
    status(task) {
      if (!hasEnded(task) && task.cancel_requested_at) return say("cancelling");
      if (task.status === "running" && task.liveness === "lost") return say("interrupted");
      return outcome(task)?.status ?? messages[task.status] ?? spaced(task.status);
    },

    /** @param {Task} task */
    percent: (task) => `${percentOf(task)}%`,

    /**
     * The small facts beneath a bar, most useful first.
     * @param {Task} task
     * @param {number} nowMs server time
     * @returns {string[]}
     */
    facts(task, nowMs) {
      const said = [];
      const live = !hasEnded(task);
      const { status, done, total, runs_at } = task;
      if (live && task.step) said.push(task.step);
      if (live && done !== null && total !== null) said.push(say("of", { a: done, b: total }));
      else if (live && done) said.push(say("done", { n: done }));
      if (task.attempt > 1) said.push(say("attempt", { n: task.attempt }));
      if (status === "queued" && task.queue_position !== null) said.push(task.queue_position ? say("ahead", { n: task.queue_position }) : say("next"));
      if (runs_at && /^(scheduled|retrying)$/.test(status)) said.push(say(status === "retrying" ? "again" : "starts", { t: when(runs_at, nowMs) }));
      const left = Date.parse(task.eta_at ?? "") - nowMs;
      if (status === "running" && left > 0 && livenessOf(task, nowMs) === "moving") said.push(say("left", { t: span(left) }));
      if (!live && task.ended_at) {
        const ended = Date.parse(task.ended_at);
        said.push(say("ended", { t: when(task.ended_at, Math.max(nowMs, ended)) }));
        const took = ended - Date.parse(task.started_at ?? "");
        if (took >= 0) said.push(say("took", { t: took < 500 ? say("instant") : span(took) }));
      }
      return said;
    },

    /**
     * What is amiss with a running task, or null.
     * @param {Task} task
     * @param {number} nowMs server time
     */
    worry(task, nowMs) {
      const liveness = livenessOf(task, nowMs);
      if (liveness === "lost") return say("lost");
      if (liveness !== "quiet") return null;
      return say("quiet", { t: span(nowMs - Date.parse(task.progress_at ?? task.started_at ?? "")) });
    },

    /**
     * Why a task failed, with the reference to quote. Null when nothing was said.
     * @param {Task} task
     */
    error(task) {
      if (!task.error) return null;
      const { reference, code } = task.error;
      const message = code === "error" || !task.error.message ? say("wrong") : task.error.message;
      return reference && !message.includes(reference) ? say("reference", { m: message, r: reference }) : message;
    },

    /**
     * A result as pairs of name and words, for people rather than programs; the first may lead, without a name.
     * @param {Task} task
     * @returns {[string, string][]}
     */
    result(task) {
      if (task.result_omitted) return [[say("result"), say("tooLarge")]];
      const { result } = task;
      const known = outcome(task);
      if (known) return [["", known.words], ...(known.rest ? [known.rest] : [])];
      if (result === null || result === undefined) return [];
      if (typeof result !== "object" || Array.isArray(result)) return [[say("result"), plain(result)]];
      return Object.entries(result).map(([name, value]) => [spaced(name), plain(value)]);
    },

    /** True when a task ended well for itself and not for what it was to do. @param {Task} task */
    fellShort: (task) => Boolean(outcome(task)?.status),

    /**
     * A refused or lost request in words: of its type, else the server's own, which are English.
     * @param {import("./problem.js").ApiError} error
     */
    problem(error) {
      if (error.status === 0) return say("unreachable");
      const { detail, title, type = "" } = error.problem;
      const said = messages[type] || (short === "en" && (detail || title)) || "";
      const { status, retryAfterMs } = error;
      const again = retryAfterMs === null ? say("tryLater") : say("tryIn", { t: format.ahead(retryAfterMs) });
      if (status === 429 || status >= 500) return `${sentence(said || say(status === 429 ? "tooMany" : "unable"))} ${again}`;
      return sentence(said || say("status", { n: status }));
    },
  };
  return words;
}
