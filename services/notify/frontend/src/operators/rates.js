// Owns the pure reading of how many attempts ended in the last hour, a number for each minute; must do no I/O.

/** @typedef {"succeeded"|"failed"|"retrying"|"cancelled"} End */
/** @typedef {{type: string, queue: string} & Record<End, number[]>} Rate numbers of each minute, oldest first */
/** @typedef {{since: string, bucket_seconds: number, rates: Rate[]}} Rates */

/** @type {End[]} */
const TASK_ENDS = ["succeeded", "failed", "cancelled"];

/** One that stands for several, or for nothing. @param {Rate|null} into @param {Rate} rate @returns {Rate} */
function join(into, rate) {
  if (!into) return rate;
  const sums = Object.fromEntries([...TASK_ENDS, /** @type {End} */ ("retrying")].map((end) => [end, into[end].map((count, index) => count + rate[end][index])]));
  return { ...into, .../** @type {Record<End, number[]>} */ (sums) };
}

/** @param {Rates} rates @param {"type"|"queue"} by @returns {Map<string, Rate>} */
export function grouped({ rates }, by) {
  /** @type {Map<string, Rate>} */
  const found = new Map();
  for (const rate of rates) found.set(rate[by], join(found.get(rate[by]) ?? null, rate));
  return found;
}

/** Minute by minute. @param {Rate|null} rate @param {...End} ends */
export const added = (rate, ...ends) => (rate ? rate[ends[0]].map((_, index) => ends.reduce((sum, end) => sum + rate[end][index], 0)) : []);

/** @param {Rate|null} rate @param {...End} ends none: whatever ends a task */
export const total = (rate, ...ends) => added(rate, ...(ends.length ? ends : TASK_ENDS)).reduce((sum, count) => sum + count, 0);

/** How many of the tasks that ended failed: 0..1, null when none ended. @param {Rate} rate */
export function failureRate(rate) {
  const ended = total(rate);
  return ended ? total(rate, "failed") / ended : null;
}
