// Owns what a screen reader is told unasked: starts and ends, no more; must stay silent about what was there before.

import { hasEnded } from "../core/tasks.js";
import { statusWords } from "../core/words.js";
import { byId } from "./dom.js";

const MOST = 3;

export function createAnnouncer() {
  const region = byId("announcements");
  /** Each task's status as last seen; null before the first whole state. @type {Map<string, string>|null} */
  let seen = null;

  return {
    /** @param {import("../core/types.js").Snapshot} snapshot */
    update({ phase, tasks }) {
      if (phase !== "ready") return;
      const before = seen;
      seen = new Map(tasks.map((task) => [task.id, task.status]));
      if (!before) return;
      const news = tasks.filter((task) => {
        const was = before.get(task.id);
        return was !== task.status && (task.status === "running" || (hasEnded(task) && was !== undefined));
      });
      if (!news.length) return;
      const said = news.slice(0, MOST).map((task) => `${task.title}: ${statusWords(task)}.`);
      if (news.length > MOST) said.push(`And ${news.length - MOST} more.`);
      region.textContent = said.join(" ");
    },
    clear() {
      seen = null;
      region.textContent = "";
    },
  };
}
