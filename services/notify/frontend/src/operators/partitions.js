// Owns the table of partitions: how long the log is, how far the projector is behind; asks for nothing.

import { brief, sheetOf } from "./parts.js";
import { createTable } from "./table.js";

const LATE_SECONDS = 30;

/**
 * @typedef {{partition: number, events_in_redis: number, behind_seconds: number|null, is_its_log: boolean,
 *   projected: string|null, parked: number, dead_letters: number}} Partition
 */

/** @param {import("./parts.js").Ports} ports */
export function createPartitions({ words }) {
  const { say, format } = words;
  /** @param {Partition} partition */
  function lag({ behind_seconds: seconds, is_its_log: its, projected }) {
    if (projected === null) return say("never");
    if (!its) return say("foreign");
    return seconds === null ? "–" : brief(seconds, format.lang);
  }
  /** @param {Partition} partition */
  const late = ({ behind_seconds: seconds, is_its_log: its, projected }) => ((seconds ?? 0) > LATE_SECONDS || (projected !== null && !its) ? "bad" : null);
  const table = createTable({
    label: say("partitions"), empty: say("noPartitions"), key: (/** @type {Partition} */ row) => String(row.partition),
    columns: [
      { title: say("partition"), text: ({ partition }) => String(partition) },
      { title: say("log"), kind: "number", text: (row) => format.number(row.events_in_redis) },
      { title: say("lag"), kind: "number", text: lag, tone: late },
      { title: say("deadLetters"), kind: "number", text: (row) => format.number(row.dead_letters), tone: (row) => (row.dead_letters ? "bad" : null) },
      { title: say("parkedShort"), kind: "number", text: (row) => format.number(row.parked), tone: (row) => (row.parked ? "bad" : null) },
    ],
  });
  return { element: sheetOf(say("partitions"), table.element), update: table.update };
}
