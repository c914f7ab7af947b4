// Owns the loop that follows the cursor: long poll, slow poll when hidden, back-off; must not interpret the rows.

import { ApiError } from "./problem.js";
import { backoffMs } from "./repeat.js";

const WAIT_SECONDS = 25;
const LIMIT = 100; // as many cards as one frame may make
const LEAST_PAUSE_MS = 250; // several updates in one answer rather than one each
const MOST_PAUSE_MS = 1_000; // a long poll is its own spacing: a long pause before it only makes news late
const HIDDEN_MS = 5_000;
const CROWDED_MS = 30_000;

/**
 * @typedef {object} Ports
 * @property {import("./api.js").Api} api
 * @property {() => string|null} cursor
 * @property {() => boolean} complete false while a state is still coming in pages
 * @property {() => boolean} visible
 * @property {(answer: import("./types.js").Answer) => void} onAnswer
 * @property {(error: ApiError) => void} onTrouble
 * @property {() => void} onSignedOut the loop has ended by itself
 * @property {() => void} onBadCursor
 */

/** @param {Ports} ports */
export function createDelivery({ api, cursor, complete, visible, onAnswer, onTrouble, onSignedOut, onBadCursor }) {
  let running = false;
  let failures = 0;
  let crowdedUntil = 0;
  let inFlight = new AbortController();
  let wakeUp = () => {};

  /** @param {number} ms */
  const sleep = (ms) =>
    /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        wakeUp = () => (clearTimeout(timer), resolve());
      })
    );

  /** One exchange; the answer is how long to pause before the next, in milliseconds. */
  async function poll() {
    const wait = complete() && visible() && Date.now() > crowdedUntil ? WAIT_SECONDS : 0;
    const asked = Date.now();
    inFlight = new AbortController();
    const answer = await api("GET", "/api/notify/notifications", {
      query: { since: cursor(), wait: wait || null, limit: LIMIT },
      timeoutMs: (wait + 10) * 1000,
      signal: inFlight.signal,
    });
    if (!running) return 0;
    if (!Array.isArray(answer?.notifications)) throw new ApiError(0);
    failures = 0;
    onAnswer(answer);
    const size = answer.notifications.length;
    const next = Math.max(LEAST_PAUSE_MS, Number(answer.next_poll_ms) || 0);
    if (!complete()) return size === LIMIT ? 0 : LEAST_PAUSE_MS / 5;
    if (!visible()) return Math.max(next, HIDDEN_MS);
    if (wait && !size) return Date.now() - asked > wait * 500 ? 0 : next; // an answer at once and empty is no long poll
    if (!wait && Date.now() > crowdedUntil) return 0;
    return wait ? Math.min(next, MOST_PAUSE_MS) : next;
  }

  /** @param {unknown} error what to make of it; the answer is the pause in milliseconds */
  function pauseAfter(error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 0 && inFlight.signal.aborted) return 0; // we did that ourselves
    failures += 1;
    const pause = Math.max(error.retryAfterMs ?? 0, backoffMs(failures));
    if (error.status === 429) {
      crowdedUntil = Date.now() + pause + CROWDED_MS; // too many long polls: go on with short ones
      return Math.max(pause, 1_000);
    }
    if (error.status === 422) onBadCursor();
    onTrouble(error);
    return pause;
  }

  async function run() {
    while (running) {
      let pause;
      try {
        pause = await poll();
      } catch (error) {
        if (!running) return;
        if (error instanceof ApiError && error.status === 401) {
          running = false;
          return onSignedOut();
        }
        pause = pauseAfter(error);
      }
      if (running && pause) await sleep(pause);
    }
  }

  return {
    start() {
      running = true;
      void run();
    },
    /** Ends the loop; it cannot be started again. */
    stop() {
      running = false;
      inFlight.abort();
      wakeUp();
    },
    /** Asks again at once: back-off and pause are over. With `afresh` what is in flight is given up as well. */
    wake({ afresh = false } = {}) {
      failures = 0;
      if (afresh) inFlight.abort();
      wakeUp();
    },
  };
}
