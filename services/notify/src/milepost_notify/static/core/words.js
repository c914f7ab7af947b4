// Owns what a task and a failed request are called in English; must return plain text and decide nothing.

import { capital, number, plain, sentence, span, when } from "./format.js";
import { mailOutcome } from "./mail.js";
import { hasEnded, livenessOf, percentOf } from "./tasks.js";

/** @typedef {import("./types.js").Task} Task */

/** @type {Record<string, string>} */
const STATUS = {
  scheduled: "Scheduled",
  queued: "Queued",
  running: "Running",
  retrying: "Retrying",
  succeeded: "Succeeded",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** @param {Task} task */
export function statusWords(task) {
  if (!hasEnded(task) && task.cancel_requested_at) return "Cancelling…";
  const mail = mailOutcome(task);
  if (mail?.refused) return mail.sent ? "Sent to some" : "Not sent";
  return STATUS[task.status] ?? capital(task.status.replaceAll("_", " "));
}

/** @param {Task} task */
export const percentWords = (task) => `${percentOf(task)}%`;

/**
 * The small facts beneath a bar, most useful first.
 * @param {Task} task
 * @param {number} nowMs server time
 * @returns {string[]}
 */
export function facts(task, nowMs) {
  const said = [];
  const live = !hasEnded(task);
  if (live && task.step) said.push(task.step);
  if (live && task.done !== null && task.total !== null) said.push(`${number(task.done)} of ${number(task.total)}`);
  else if (live && task.done) said.push(`${number(task.done)} done`);
  if (task.attempt > 1) said.push(`attempt ${task.attempt}`);
  if (task.status === "queued" && task.queue_position !== null) said.push(`number ${number(task.queue_position)} in the queue`);
  if (task.status === "scheduled" && task.runs_at) said.push(`starts ${when(task.runs_at, nowMs)}`);
  if (task.status === "retrying" && task.runs_at) said.push(`next try ${when(task.runs_at, nowMs)}`);
  const left = Date.parse(task.eta_at ?? "") - nowMs;
  if (task.status === "running" && left > 0 && livenessOf(task, nowMs) === "moving") said.push(`about ${span(left)} left`);
  if (!live && task.ended_at) said.push(`ended ${when(task.ended_at, Math.max(nowMs, Date.parse(task.ended_at)))}`);
  if (!live && task.ended_at && task.started_at) {
    said.push(`took ${span(Math.max(0, Date.parse(task.ended_at) - Date.parse(task.started_at)))}`);
  }
  return said;
}

/**
 * What is amiss with a running task, or null.
 * @param {Task} task
 * @param {number} nowMs server time
 */
export function worry(task, nowMs) {
  const liveness = livenessOf(task, nowMs);
  if (liveness === "lost") return "Its worker is gone. Another one will take it over.";
  if (liveness !== "quiet") return null;
  const at = Date.parse(task.progress_at ?? task.started_at ?? "");
  return `Quiet: no news for ${span(nowMs - at)}. It may still be working.`;
}

/**
 * Why a task failed, with the reference to quote. Null when nothing was said.
 * @param {Task} task
 */
export function errorWords(task) {
  if (!task.error) return null;
  const message = task.error.message || "This did not work";
  const { reference } = task.error;
  return reference && !message.includes(reference) ? `${message} (reference ${reference})` : message;
}

/**
 * A result as pairs of name and words, for people rather than programs.
 * @param {Task} task
 * @returns {[string, string][]}
 */
export function resultWords(task) {
  if (task.result_omitted) return [["Result", "too large to be shown here"]];
  const { result } = task;
  const mail = mailOutcome(task);
  if (mail) return mail.rest.length ? [["", mail.words], ["Refused as well", mail.rest.join("\n")]] : [["", mail.words]];
  if (result === null || result === undefined) return [];
  if (typeof result !== "object" || Array.isArray(result)) return [["Result", plain(result)]];
  return Object.entries(result).map(([name, value]) => [capital(name.replaceAll("_", " ")), plain(value)]);
}

/** True when a task ended well for itself and not for what it was to do. @param {Task} task */
export const fellShort = (task) => Boolean(mailOutcome(task)?.refused);

/** What a schema says, what a person reads of it. @type {[RegExp, string][]} */
const REFUSALS = [
  [/is not an? "(?:idn-)?email"$/, "is not an address"],
  [/does not match "\^\[\^\\s@\]/, "is not an address"],
  [/is longer than (\d+) characters?$/, "is too long: at most $1 characters"],
  [/is shorter than (\d+) characters?$/, "is too short: at least $1 characters"],
  [/has more than (\d+) items?$/, "is too many: at most $1"],
  [/has less than (\d+) items?$/, "is too few: at least $1"],
  [/has non-unique elements$/, "has something twice"],
  [/is less than the minimum of (\S+)$/, "is too small: at least $1"],
  [/is greater than the maximum of (\S+)$/, "is too large: at most $1"],
  [/is not of type .*$/, "is not of the right kind"],
  [/does not match .*$/s, "has characters that cannot be here"],
  [/is a required property$/, "is missing"],
];

/**
 * The message of one refused field for people: validators say the value and the rule's name.
 * @param {string} msg
 * @param {string} name what is refused, such as "The subject"
 */
export function refusalWords(msg, name) {
  for (const [said, words] of REFUSALS) {
    const found = said.exec(msg);
    if (found) return sentence(`${name} ${words.replace("$1", number(Number(found[1])))}`);
  }
  return sentence(capital(msg));
}

/**
 * How the list stands, at a glance.
 * @param {readonly Task[]} tasks
 */
export function summary(tasks) {
  const ended = tasks.filter(hasEnded).length;
  const live = tasks.length - ended;
  return [live && `${number(live)} under way`, ended && `${number(ended)} ended`].filter(Boolean).join(", ");
}

/**
 * A refused or lost request in words.
 * @param {import("./problem.js").ApiError} error
 */
export function problemWords(error) {
  if (error.status === 0) return "Milepost cannot be reached. Check the connection and try again.";
  const again = error.retryAfterMs === null ? "" : ` Try again in ${span(error.retryAfterMs)}.`;
  const said = error.problem.detail || error.problem.title;
  if (error.status === 429) return `${sentence(said || "Too many requests")}${again || " Try again later."}`;
  if (error.status >= 500) return `${sentence(said || "Milepost cannot do this at the moment")}${again || " Try again later."}`;
  return sentence(said || `This was refused (status ${error.status})`);
}
