// Owns the table of workers: who lives, and what each runs; asks for nothing.

import { el } from "../elements/dom.js";
import { brief, sheetOf } from "./parts.js";
import { routeTo } from "./route.js";
import { createTable } from "./table.js";

/** @typedef {{id: string, owner: string, type: string, since: string}} Run */
/** @typedef {{worker: string, partitions: number[], vanished_at: string|null, build?: string|null, runs?: Run[]}} Worker */

const SHOWN = 8;

/** @param {import("./parts.js").Ports} ports */
export function createWorkers({ words }) {
  const { say, format } = words;
  let nowMs = 0;

  /** What it runs, each a link to the task. */
  function running() {
    const element = el("span");
    let drawn = "";
    return {
      element,
      /** @param {Worker} worker */
      update({ runs }) {
        const key = JSON.stringify([runs, Math.floor(nowMs / 10_000)]);
        if (key === drawn || element.contains(document.activeElement)) return;
        drawn = key;
        if (!runs) return void (element.textContent = "–"); // notify is older than telling it
        const links = runs.slice(0, SHOWN).map(({ id, owner, type, since: at }) => {
          const since = brief((nowMs - Date.parse(at)) / 1000, format.lang);
          return el("span", { class: "run" }, el("a", { href: routeTo("task", { id, owner }) }, type), ` · ${since}`);
        });
        const rest = runs.length > SHOWN ? [say("andMore", { n: runs.length - SHOWN })] : [];
        element.replaceChildren(...(runs.length ? [...links, ...rest] : [el("span", { class: "soft" }, say("runsNone"))]));
      },
    };
  }

  const table = createTable({
    label: say("workers"), empty: say("noWorkers"), key: (/** @type {Worker} */ row) => row.worker,
    columns: [
      { title: say("worker"), kind: "mono", text: ({ worker }) => worker },
      { title: say("state"), text: ({ vanished_at: at }) => (at ? say("vanished", { t: words.when(at, nowMs) }) : say("aliveState")), tone: ({ vanished_at: at }) => (at ? "bad" : null) },
      { title: say("runs"), make: running },
      { title: say("build"), kind: "mono", text: ({ build }) => build ?? "–" },
    ],
  });
  return {
    element: sheetOf(say("workers"), table.element),
    /** @param {Worker[]} workers @param {number} now */
    update(workers, now) {
      nowMs = now;
      table.update(workers);
    },
  };
}
