// Owns the view of how the deployment does now: what is asked for it, and the large numbers; the tables are others'.

import { ApiError } from "../core/problem.js";
import { el } from "../elements/dom.js";
import { brief, tile, topOf } from "./parts.js";
import { createPartitions } from "./partitions.js";
import { createQueues, waitingIn } from "./queues.js";
import { total } from "./rates.js";
import { createTypes } from "./types.js";
import { createWorkers } from "./workers.js";

/** What is paused; null where submit is older than pausing. @param {(path: string) => Promise<any>} get */
async function pausesOf(get) {
  try {
    return (await get("/api/submit/admin/pauses")).pauses;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/**
 * @param {HTMLElement} place @param {import("./parts.js").Ports} ports
 * @returns {import("./parts.js").View}
 */
export function createNow(place, ports) {
  const { api, words, clock } = ports;
  const { say, format } = words;
  const tiles = { waiting: tile(say("waiting")), alive: tile(say("alive")), failed: tile(say("failedLately")), behind: tile(say("behind")), dead: tile(say("deadLetters")), parked: tile(say("parked")) };
  const tables = { queues: createQueues(ports), types: createTypes(ports), workers: createWorkers(ports), partitions: createPartitions(ports) };
  place.append(
    topOf("now", say("nowTitle")),
    el("dl", { class: "tiles" }, ...Object.values(tiles).map(({ element }) => element)),
    tables.queues.element, tables.types.element,
    el("div", { class: "two" }, tables.workers.element, tables.partitions.element),
  );

  const ask = async () => {
    const admin = "/api/notify/admin";
    const get = (/** @type {string} */ path) => api("GET", path);
    const [{ queues }, { workers }, { partitions }, rates, pauses] = await Promise.all([
      get(`${admin}/queues`), get(`${admin}/workers`), get(`${admin}/partitions`), get(`${admin}/rates`), pausesOf(get),
    ]);
    const nowMs = clock.now();
    tables.queues.update(queues, rates, pauses, nowMs);
    tables.types.update(rates, pauses);
    tables.workers.update(workers, nowMs);
    tables.partitions.update(partitions);
    const sum = (/** @type {any[]} */ rows, /** @type {(row: any) => number} */ of) => rows.reduce((total, row) => total + of(row), 0);
    const alive = workers.filter((/** @type {any} */ worker) => !worker.vanished_at).length;
    const behind = Math.max(0, ...partitions.map((/** @type {any} */ each) => each.behind_seconds ?? 0));
    const dead = sum(partitions, (each) => each.dead_letters);
    const parked = sum(partitions, (each) => each.parked);
    const failed = sum(rates.rates, (each) => total(each, "failed"));
    tiles.waiting.set(format.number(sum(queues, waitingIn)));
    tiles.alive.set(format.number(alive), alive === 0);
    tiles.failed.set(format.number(failed), failed > 0);
    tiles.behind.set(brief(behind, format.lang), behind > 30);
    tiles.dead.set(format.number(dead), dead > 0);
    tiles.parked.set(format.number(parked), parked > 0);
  };
  return { show: () => {}, ask };
}
