// Owns back-off and repeating a command whose answer was lost; must be given only commands that are safe to repeat.

import { ApiError } from "./problem.js";

const FIRST_MS = 400;
const CAP_MS = 4_000; // a server that is back is to be found within 5 s

/**
 * Milliseconds before try number `failures` + 1: exponential, the upper half of it random.
 * @param {number} failures from 1
 * @param {() => number} random
 */
export function backoffMs(failures, random = Math.random) {
  const full = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return full / 2 + (random() * full) / 2;
}

/**
 * What `command` answers, tried up to `tries` times while the answer is lost.
 * @template T
 * @param {() => Promise<T>} command
 * @param {{tries?: number, sleep?: (ms: number) => Promise<void>}} options
 * @returns {Promise<T>}
 */
export async function repeatWhileLost(command, { tries = 6, sleep = wait } = {}) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await command();
    } catch (error) {
      if (!(error instanceof ApiError) || !error.lost || failures >= tries) throw error;
      if ((error.retryAfterMs ?? 0) > CAP_MS * 2) throw error;
      await sleep(Math.max(error.retryAfterMs ?? 0, backoffMs(failures)));
    }
  }
}

/** @param {number} ms */
function wait(ms) {
  return /** @type {Promise<void>} */ (new Promise((resolve) => setTimeout(resolve, ms)));
}
