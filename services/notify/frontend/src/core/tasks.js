// Owns the pure rules of one task: its fields from the wire, what replaces what, order, liveness; must do no I/O.

/** @typedef {import("./types.js").Task} Task */

const ENDED = new Set(["succeeded", "failed", "cancelled"]);

/** @param {Task} task */
export const hasEnded = (task) => ENDED.has(task.status) || task.ended_at !== null;

/** True while it is not known how far it is. @param {Task} task */
export const isOpenEnded = (task) => task.indeterminate && task.status === "running";

/** What a field means when it is absent. */
const ABSENT = {
  tags: /** @type {string[]} */ ([]), indeterminate: false, message: null, step: null, done: null, total: null, eta_at: null, attempt: 0,
  queue_position: null, liveness: null, progress_at: null, quiet_after_seconds: null, result: null, result_omitted: false, error: null,
  cancel_requested_at: null, created_at: null, runs_at: null, started_at: null, ended_at: null, retry_of: null, read: false, revision: null, local: false,
};

/**
 * The task in what came over the wire: 100 is for success alone whatever was sent.
 * @param {any} data
 * @returns {Task}
 */
export function toTask(data) {
  const { task_id: id = data.id, type = "", title, status = "queued", progress } = data;
  return {
    ...ABSENT,
    ...data,
    id: String(id),
    type,
    title: String(title || type || "Task"),
    status,
    progress: status === "succeeded" ? 100 : Math.min(progress > 0 ? progress : 0, 99.9),
  };
}

/**
 * What is shown once `next` is known: the newer one, but no bar goes back within an attempt.
 * @param {Task|undefined} shown
 * @param {Task} next
 * @returns {Task}
 */
export function succeed(shown, next) {
  if (!shown || shown.attempt !== next.attempt || shown.status === "succeeded") return next;
  return next.progress < shown.progress ? { ...next, progress: shown.progress } : next;
}

/**
 * Newest first; those only known here stand on top. A total order, so that nothing ever swaps places.
 * @param {Task} a
 * @param {Task} b
 */
export function newestFirst(a, b) {
  const [x, y] = [a.created_at ?? "~", b.created_at ?? "~"];
  if (x !== y) return x < y ? 1 : -1;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

/**
 * `lost` as the server said; `quiet` derived from the last progress, so that it comes true without any news.
 * @param {Task} task
 * @param {number} nowMs server time
 * @returns {"moving"|"quiet"|"lost"|null}
 */
export function livenessOf(task, nowMs) {
  if (task.status !== "running") return null;
  if (task.liveness === "lost") return "lost";
  const at = Date.parse(task.progress_at ?? task.started_at ?? "");
  if (Number.isNaN(at) || task.quiet_after_seconds === null) return "moving";
  return nowMs > at + task.quiet_after_seconds * 1000 ? "quiet" : "moving";
}

/**
 * Whole percent, cut and not rounded: 99.9 reads 99.
 * @param {Task} task
 */
export const percentOf = (task) => Math.floor(task.progress);
