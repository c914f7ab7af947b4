// Owns the pure reading of a task's events: its curve, its turns, its log; must do no I/O.

/** @typedef {{id: string, type: string, attempt: number, at: string, data: Record<string, any>}} Event */

/**
 * @typedef {object} History
 * @property {{attempt: number, points: [number, number][]}[]} curves per attempt: milliseconds since the epoch, percent
 * @property {Event[]} turns all that is neither progress nor log
 * @property {Event[]} lines what the task wrote
 */

/** @param {readonly Event[]} events oldest first @returns {History} */
export function readHistory(events) {
  /** @type {History} */
  const history = { curves: [], turns: [], lines: [] };
  for (const event of events) {
    const at = Date.parse(event.at);
    const curve = history.curves[history.curves.length - 1];
    if (event.type === "task.progressed") curve?.points.push([at, event.data.progress]);
    else if (event.type === "task.logged") history.lines.push(event);
    else history.turns.push(event);
    if (event.type === "task.started") history.curves.push({ attempt: event.attempt, points: [[at, 0]] });
    else if (curve && /\.(succeeded|failed|cancelled|retrying|returned)$/.test(event.type)) {
      curve.points.push([at, event.type === "task.succeeded" ? 100 : curve.points[curve.points.length - 1][1]]);
    }
  }
  return history;
}
