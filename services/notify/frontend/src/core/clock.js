// Owns what time it is at the server, learnt from Date headers; must not read any other clock than the one given.

/**
 * @typedef {{now: () => number, note: (dateHeader: string|null) => void}} Clock
 */

const SLACK_MS = 1500; // a Date header is cut to the second: smaller differences are its rounding

/**
 * A clock that follows the server's. Before the first header it is the local one.
 * @param {() => number} localNow milliseconds since the epoch
 * @returns {Clock}
 */
export function createClock(localNow = Date.now) {
  let offset = 0;
  return {
    now: () => localNow() + offset,
    note(dateHeader) {
      const server = Date.parse(dateHeader ?? "");
      if (Number.isNaN(server)) return;
      const seen = server + 500 - localNow();
      if (Math.abs(seen - offset) > SLACK_MS) offset = seen;
    },
  };
}
