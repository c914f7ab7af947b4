// Owns the pure fold of answers into what is known of the owner; must do no I/O and change nothing in place.

import { newestFirst, succeed, toTask } from "./tasks.js";

/**
 * @typedef {object} State
 * @property {ReadonlyMap<string, import("./types.js").Task>} tasks
 * @property {number} unread
 * @property {string|null} cursor
 * @property {boolean} complete true once an answer was empty: all there was has been read
 * @property {ReadonlySet<string>|null} stale while a state is being replaced: what has not come again yet
 * @property {boolean} unreadStale the same of the unread count
 * @property {ReadonlySet<string>} dismissed not to be shown again, whatever answers say
 */

/** @type {State} */
export const NOTHING = Object.freeze({
  tasks: new Map(), unread: 0, cursor: null, complete: false, stale: null, unreadStale: false, dismissed: new Set(),
});

/**
 * The state after one answer. After a gap the old state stays visible until the new one is complete, so
 * that nothing flickers; what did not come again goes then.
 * @param {State} state
 * @param {import("./types.js").Answer} answer
 * @returns {State}
 */
export function fold(state, answer) {
  const tasks = new Map(state.tasks);
  const dismissed = new Set(state.dismissed);
  let { unread, stale: old, unreadStale, complete } = state;
  if (answer.gap) ({ stale: old, unreadStale, complete } = replaced(state));
  const stale = old && new Set(old);
  for (const { name, data } of answer.notifications) {
    if (name === "unread_message_count") {
      unread = countOf(data);
      unreadStale = false;
    } else if (name === "task_progress" && data && typeof data === "object") {
      const task = toTask(data);
      stale?.delete(task.id);
      if (data.dismissed === true) dismissed.add(task.id);
      if (dismissed.has(task.id)) tasks.delete(task.id);
      else tasks.set(task.id, succeed(tasks.get(task.id), task));
    }
  }
  const { cursor } = answer;
  if (answer.notifications.length) return { tasks, unread, cursor, complete, stale, unreadStale, dismissed };
  for (const id of stale ?? []) tasks.delete(id);
  if (unreadStale) unread = 0;
  return { tasks, unread, cursor, complete: true, stale: null, unreadStale: false, dismissed };
}

/**
 * The state about to be replaced by the server's whole one: everything stays in view until that has come.
 * @param {State} state
 * @returns {State}
 */
export function replaced(state) {
  const told = [...state.tasks.values()].filter((task) => !task.local);
  return { ...state, cursor: null, complete: false, unreadStale: true, stale: new Set(told.map((task) => task.id)) };
}

/**
 * The state with a task that submit has just accepted, unless a notification was faster.
 * @param {State} state
 * @param {{id: string, type: string, title: string, status: string}} accepted
 * @returns {State}
 */
export function accept(state, accepted) {
  if (state.tasks.has(accepted.id) || state.dismissed.has(accepted.id)) return state;
  return { ...state, tasks: new Map(state.tasks).set(accepted.id, toTask({ ...accepted, local: true })) };
}

/**
 * The state without a task that is dismissed, or is about to be: see `restore`.
 * @param {State} state
 * @param {string} id
 * @returns {State}
 */
export function dismiss(state, id) {
  const tasks = new Map(state.tasks);
  tasks.delete(id);
  return { ...state, tasks, dismissed: new Set(state.dismissed).add(id) };
}

/**
 * The state with a task again whose dismissal the server refused.
 * @param {State} state
 * @param {import("./types.js").Task} task
 * @returns {State}
 */
export function restore(state, task) {
  const dismissed = new Set(state.dismissed);
  dismissed.delete(task.id);
  return { ...state, tasks: new Map(state.tasks).set(task.id, task), dismissed };
}

/**
 * The state with what only clock and queue change, from an answer about one task; the same state when the
 * answer is about another moment than the one that is shown.
 * @param {State} state
 * @param {any} data
 * @returns {State}
 */
export function refresh(state, data) {
  const shown = state.tasks.get(String(data.id));
  if (!shown || shown.revision !== data.revision) return state;
  const { queue_position, liveness, eta_at } = toTask(data);
  const same = shown.queue_position === queue_position && shown.liveness === liveness && shown.eta_at === eta_at;
  if (same) return state;
  return { ...state, tasks: new Map(state.tasks).set(shown.id, { ...shown, queue_position, liveness, eta_at }) };
}

/** @param {State} state */
export const inOrder = (state) => [...state.tasks.values()].sort(newestFirst);

/**
 * The count is the data itself, or its one number: readers take both.
 * @param {any} data
 */
function countOf(data) {
  const found = typeof data === "number" ? data : Object.values(data ?? {}).find((value) => typeof value === "number");
  return Math.max(0, Math.floor(Number(found ?? 0)));
}
