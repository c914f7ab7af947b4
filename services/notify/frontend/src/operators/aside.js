// Owns the view of what was set aside: dead letters with another try or the bin, and parked events.

import { ApiError } from "../core/problem.js";
import { el, say as put, show } from "../elements/dom.js";
import { ask as question } from "./dialog.js";
import { brief, doer, leading, sheetOf, topOf } from "./parts.js";
import { routeTo } from "./route.js";
import { createTable } from "./table.js";

/** @typedef {{id: string, stream: string, entry: string, reason: string, age_seconds: number}} Letter */
/** @typedef {{partition: number, event: string, owner: string, task: string, reason: string}} Parked */

const AT_ONCE = 100;

/**
 * @param {HTMLElement} place @param {import("./parts.js").Ports} ports
 * @returns {import("./parts.js").View}
 */
export function createAside(place, { api, words, again }) {
  const { say } = words;
  /** @type {Letter[]} */
  let letters = [];
  const outcome = el("p", { class: "message", role: "status", "data-tone": "note", hidden: "" });
  const lost = () => place.querySelector("h1")?.focus();

  /** @param {"redrive"|"drop"} what @param {() => Letter[]} which */
  async function act(what, which) {
    const ids = which().map(({ id }) => id);
    const sure = what === "redrive" || (await question({ title: say("dropSure", { n: ids.length }), text: say("dropText"), yes: say("drop"), no: say("leaveIt"), danger: true }));
    if (!sure) return;
    let [done, not, why] = [0, 0, ""];
    try {
      for (let from = 0; from < ids.length; from += AT_ONCE) {
        const { outcomes } = await api("POST", `/api/submit/admin/dead-letters/${what}`, { body: { ids: ids.slice(from, from + AT_ONCE) } });
        for (const each of outcomes) {
          if (each.done) done += 1;
          else [not, why] = [not + 1, each.reason ?? why];
        }
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      [not, why] = [ids.length - done, words.problem(error)];
    }
    put(outcome, say("didLetters", { a: done, b: not, m: why }).trim());
    again();
  }

  const dead = createTable({
    label: say("deadTitle"), empty: say("noDead"), key: (/** @type {Letter} */ row) => row.id, onLost: lost,
    columns: [
      { title: say("entry"), kind: "mono", text: ({ entry }) => entry },
      { title: say("stream"), kind: "mono", text: ({ stream }) => stream },
      { title: say("reason"), text: ({ reason }) => reason },
      { title: say("ageOf"), kind: "number", text: ({ age_seconds: seconds }) => brief(seconds, words.format.lang) },
      { title: "", kind: "acts", make: (first) => {
        const one = (/** @type {"redrive"|"drop"} */ what) => doer(say(what), () => act(what, () => [first]), { "aria-label": `${say(what)}: ${first.entry}` });
        return { element: el("div", { class: "buttons" }, one("redrive"), one("drop")), update: () => {} };
      } },
    ],
  });
  const parked = createTable({
    label: say("parkedTitle"), empty: say("noParked"), key: (/** @type {Parked} */ row) => `${row.partition} ${row.event}`, onLost: lost,
    columns: [
      { title: say("event"), kind: "mono", text: ({ event, partition }) => `${partition}:${event}` },
      { title: say("task"), make: () => leading("mono", (/** @type {Parked} */ { task, owner }) => [task, routeTo("task", { id: task, owner })]) },
      { title: say("owner"), text: ({ owner }) => owner },
      { title: say("reason"), text: ({ reason }) => reason },
    ],
  });
  const all = el("div", { class: "buttons", hidden: "" }, doer(say("redriveAll"), () => act("redrive", () => letters)), doer(say("dropAll"), () => act("drop", () => letters), { class: "danger" }));

  return {
    show() {
      place.append(
        topOf("aside", say("asideTitle")), outcome,
        sheetOf(say("deadTitle"), el("p", { class: "hint" }, say("deadHint")), dead.element, all),
        sheetOf(say("parkedTitle"), el("p", { class: "hint" }, say("parkedHint")), parked.element),
      );
    },
    async ask() {
      const [found, waiting] = await Promise.all([api("GET", "/api/notify/admin/dead-letters"), api("GET", "/api/notify/admin/parked")]);
      letters = found.dead_letters;
      dead.update(letters);
      parked.update(waiting.parked);
      show(all, letters.length > 1);
    },
  };
}
