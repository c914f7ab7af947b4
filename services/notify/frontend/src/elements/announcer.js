// Owns what a screen reader is told unasked: starts, quarters, ends; must stay silent about what was there before.

import { hasEnded } from "../core/tasks.js";
import { el } from "./dom.js";

const MOST = 3;
const PAUSE_MS = 2_500; // what comes close together is said together

export function createAnnouncer() {
  const element = el("p", { class: "unseen", "aria-live": "polite" });
  /** What was said last of each task: its status, and the quarter it is in. @type {Map<string, string>|null} */
  let seen = null;
  /** @type {Map<string, string>} */
  const waiting = new Map();
  let timer = 0;

  return {
    element,
    /** @param {readonly import("../core/types.js").Task[]} tasks @param {boolean} complete @param {import("../core/words.js").Words} words */
    update(tasks, complete, words) {
      const before = seen;
      const now = new Map(tasks.map((task) => [task.id, `${task.status} ${Math.floor(task.progress / 25)}`]));
      if (!before && !complete) return;
      seen = now;
      if (!before) return;
      for (const task of tasks) {
        const was = before.get(task.id);
        const is = now.get(task.id);
        if (was === is || (was === undefined && hasEnded(task))) continue;
        const same = was?.split(" ")[0] === task.status;
        if (same) waiting.set(task.id, words.say("percent", { title: task.title, n: Math.floor(task.progress) }));
        else if (task.status === "running" || hasEnded(task)) waiting.set(task.id, `${task.title}: ${words.status(task)}.`);
      }
      if (waiting.size && !timer) {
        timer = Number(
          setTimeout(() => {
            timer = 0;
            const said = [...waiting.values()];
            waiting.clear();
            const rest = said.length - MOST;
            element.textContent = [...said.slice(0, MOST), ...(rest > 0 ? [words.say("andMore", { n: rest })] : [])].join(" ");
          }, PAUSE_MS),
        );
      }
    },
    clear() {
      clearTimeout(timer);
      timer = 0;
      seen = null;
      waiting.clear();
      element.textContent = "";
    },
  };
}
