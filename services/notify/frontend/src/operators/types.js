// Owns the table of task types: how many ended how in the last hour, and which are paused; asks for nothing.

import { el } from "../elements/dom.js";
import { drawBars } from "./charts.js";
import { leading, sheetOf } from "./parts.js";
import { pausesOf, pausing } from "./pausing.js";
import { added, failureRate, grouped, total } from "./rates.js";
import { routeTo } from "./route.js";
import { createTable } from "./table.js";

const TOO_MANY = 0.05;

/** @typedef {{type: string, rate: import("./rates.js").Rate|null, pauses: import("./pausing.js").Pauses}} Row */

/** @param {import("./parts.js").Ports} ports */
export function createTypes(ports) {
  const { say, format } = ports.words;
  const percent = new Intl.NumberFormat(format.lang, { style: "percent", maximumFractionDigits: 1 });
  const failing = (/** @type {Row} */ { rate }) => (rate && failureRate(rate)) ?? 0;
  /** @param {...import("./rates.js").End} ends @returns {(row: Row) => string} */
  const count = (...ends) => ({ rate }) => format.number(total(rate, ...ends));

  const table = createTable({
    label: say("types"), empty: say("noTypes"), key: (/** @type {Row} */ row) => row.type,
    columns: [
      { title: say("type"), make: () => leading("name", (/** @type {Row} */ { type }) => [type, routeTo("tasks", { type })]) },
      { title: say("ended2"), kind: "number", text: count("succeeded") },
      { title: say("failed2"), kind: "number", text: count("failed") },
      { title: say("retried2"), kind: "number", text: count("retrying") },
      { title: say("failRate"), kind: "number", text: ({ rate }) => (rate && total(rate) ? percent.format(failureRate(rate) ?? 0) : "–"), tone: (row) => (failing(row) > TOO_MANY ? "bad" : null) },
      { title: say("overTime"), make: () => {
        const element = el("span");
        return { element, update: (/** @type {Row} */ { type, rate }) => element.replaceChildren(drawBars(added(rate, "succeeded", "cancelled"), added(rate, "failed"), say("chartEnded", { name: type, a: total(rate, "succeeded"), b: total(rate, "failed") }))) };
      } },
      { title: say("state"), make: () => pausing(ports, "type", (/** @type {Row} */ row) => [row.type, row.pauses]) },
    ],
  });

  return {
    element: sheetOf(say("types"), table.element),
    /** @param {import("./rates.js").Rates} rates @param {import("./pausing.js").Pause[]|null} pauses */
    update(rates, pauses) {
      const byType = grouped(rates, "type");
      const paused = pausesOf(pauses, "type");
      const names = [...new Set([...byType.keys(), ...(paused?.keys() ?? [])])].sort();
      table.update(names.map((type) => ({ type, rate: byType.get(type) ?? null, pauses: paused })));
    },
  };
}
