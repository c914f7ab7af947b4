// Owns when a view is asked for anew: at once, then every few seconds while somebody looks; must not know what is asked.

import { backoffMs } from "../core/repeat.js";
import { ApiError } from "../core/problem.js";
import { watchSurroundings } from "../core/surroundings.js";

/**
 * @param {{everyMs: number, onAnswer: () => void, onTrouble: (error: ApiError) => void, onOffline: () => void}} ports
 */
export function createPolling({ everyMs, onAnswer, onTrouble, onOffline }) {
  /** @type {(() => Promise<void>)|null} */
  let ask = null;
  let timer = 0;
  let failures = 0;
  let round = 0;
  let visible = true;
  let online = true;

  async function turn() {
    clearTimeout(timer);
    if (!ask || !visible || !online) return;
    const mine = ++round;
    try {
      await ask();
      if (mine !== round) return;
      failures = 0;
      onAnswer();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine !== round) return;
      failures += 1;
      onTrouble(error);
    }
    if (mine === round) timer = window.setTimeout(turn, failures ? backoffMs(failures) + everyMs / 2 : everyMs);
  }

  watchSurroundings((now) => {
    const back = (now.visible && !visible) || (now.online && !online);
    visible = now.visible;
    online = now.online;
    if (!now.online) onOffline();
    if (back) void turn();
  });

  return {
    /** Asks this from now on, and nothing else. @param {(() => Promise<void>)|null} what null: nothing */
    follow(what) {
      ask = what;
      round += 1;
      failures = 0;
      void turn();
    },
    /** Something was done: ask at once. */
    again: () => void turn(),
  };
}
