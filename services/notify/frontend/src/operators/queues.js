// Owns the table of queues: what waits, how long, how fast it goes, whether it is paused; asks for nothing.

import { el } from "../elements/dom.js";
import { drawBars, drawLine } from "./charts.js";
import { brief, leading, sheetOf } from "./parts.js";
import { pausesOf, pausing } from "./pausing.js";
import { added, grouped, total } from "./rates.js";
import { routeTo } from "./route.js";
import { createTable } from "./table.js";

const SAMPLES = 720; // an hour of them

/** @typedef {{queue: string, high: number, normal: number, low: number, backlog?: number, oldest_seconds?: number|null}} Queue */
/** @typedef {Queue & {rates: import("./rates.js").Rate|null, minutes: number, pauses: import("./pausing.js").Pauses}} Row */

/** Backlogs seen since the page was opened, by queue: views come and go. @type {Map<string, [number, number][]>} */
const seen = new Map();

/** Wherever it waits. @param {Queue} queue */
export const waitingIn = ({ high, normal, low, backlog }) => Math.max(backlog ?? 0, high + normal + low);

/** @param {import("./parts.js").Ports} ports */
export function createQueues(ports) {
  const { words } = ports;
  const { say, format } = words;
  const waiting = waitingIn;

  /** @param {Queue} queue */
  function backlog(queue) {
    const parts = [queue.high ? say("ofThem", { n: queue.high }) : "", queue.low ? say("ofThemLow", { n: queue.low }) : ""].filter(Boolean);
    return format.number(waiting(queue)) + (parts.length ? ` (${parts.join(", ")})` : "");
  }

  /** @param {(row: Row) => Node} draw drawn anew when what it shows has changed */
  const chart = (draw) => () => {
    const element = el("span");
    return { element, update: (/** @type {Row} */ row) => element.replaceChildren(draw(row)) };
  };

  const table = createTable({
    label: say("queues"), empty: say("noQueues"), key: (/** @type {Row} */ row) => row.queue,
    columns: [
      { title: say("queue"), make: () => leading("name", (/** @type {Row} */ { queue }) => [queue, routeTo("tasks", { queue })]) },
      { title: say("backlog"), kind: "number", text: backlog },
      { title: say("sinceOpen"), make: chart((row) => drawLine(seen.get(row.queue) ?? [], say("chartBacklog", { name: row.queue, a: waiting(row), b: Math.max(0, ...(seen.get(row.queue) ?? []).map(([, count]) => count)) }))) },
      { title: say("oldest"), kind: "number", text: ({ oldest_seconds: oldest }) => (oldest === null || oldest === undefined ? "–" : brief(oldest, format.lang)) },
      { title: say("rate"), kind: "number", text: ({ rates, minutes }) => format.number(Math.round((total(rates) / minutes) * 10) / 10) },
      { title: say("overTime"), make: chart(({ queue, rates }) => drawBars(added(rates, "succeeded", "cancelled"), added(rates, "failed"), say("chartEnded", { name: queue, a: total(rates, "succeeded"), b: total(rates, "failed") }))) },
      { title: say("state"), make: () => pausing(ports, "queue", (/** @type {Row} */ row) => [row.queue, row.pauses]) },
    ],
  });

  const element = sheetOf(say("queues"), table.element);
  return {
    element,
    /** @param {Queue[]} queues @param {import("./rates.js").Rates} rates @param {import("./pausing.js").Pause[]|null} pauses @param {number} nowMs */
    update(queues, rates, pauses, nowMs) {
      const known = new Map(queues.map((queue) => [queue.queue, queue]));
      const paused = pausesOf(pauses, "queue");
      const ended = grouped(rates, "queue");
      const names = new Set([...known.keys(), ...ended.keys(), ...(paused?.keys() ?? [])]);
      table.update(
        [...names].sort().map((queue) => {
          const row = known.get(queue) ?? { queue, high: 0, normal: 0, low: 0, oldest_seconds: null };
          const points = seen.get(queue) ?? [];
          seen.set(queue, [...points.slice(1 - SAMPLES), [nowMs, waiting(row)]]);
          return { ...row, rates: ended.get(queue) ?? null, minutes: Math.max(1, (nowMs - Date.parse(rates.since)) / 60_000), pauses: paused };
        }),
      );
    },
  };
}
