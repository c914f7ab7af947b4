// Owns acts on all tasks that match: first what they would do, then the doing, each an ordinary task with a bar.

import { ApiError } from "../core/problem.js";
import { hasEnded, percentOf, toTask } from "../core/tasks.js";
import { el, say as put, show } from "../elements/dom.js";
import { doer } from "./parts.js";
import { routeTo } from "./route.js";
import { filterOf, sayFilter } from "./sieve.js";

/** @typedef {"cancel"|"retry"|"redrive"} Act */
/** @typedef {{matched: number, done: number, refused: number, examples?: {owner: string, id: string, outcome: string}[]}} Outcome */

const LOOK_MS = 700;

/** @param {import("./parts.js").Ports} ports */
export function createBulk({ api, words, again }) {
  const { say } = words;
  /** @type {Record<string, string>} */
  let query = {};
  let round = 0;

  const title = el("h2", { tabindex: "-1" });
  const filter = el("dd");
  const told = el("p", { role: "status" });
  const bar = el("progress", { max: "100", value: "0", hidden: "" });
  const examples = el("p", { class: "soft", hidden: "" });
  const link = el("a", { hidden: "" }, say("follow"));
  const sure = el("button", { type: "button", class: "danger", hidden: "" });
  const leave = el("button", { type: "button" }, say("close"));
  const box = el("section", { class: "ask", hidden: "" }, title, el("dl", {}, el("div", {}, el("dt", {}, say("bulkFilter")), filter)), told, bar, examples, link, el("div", { class: "buttons" }, sure, leave));
  /** @type {[Act, string][]} */
  const acts = [["cancel", "cancelAll"], ["retry", "retryAll"], ["redrive", "redriveTasks"]];
  const openers = acts.map(([act, key]) => doer(say(key), () => begin(act), { "data-act": act }));
  const element = el("div", { class: "bulk" }, el("div", { class: "buttons" }, el("span", { class: "soft" }, say("matching")), ...openers), box);

  let act = /** @type {Act} */ ("cancel");
  sure.addEventListener("click", () => void run(false));
  leave.addEventListener("click", () => {
    round += 1;
    show(box, false);
    openers[acts.findIndex(([name]) => name === act)].focus();
  });

  /** @param {Act} what */
  async function begin(what) {
    act = what;
    put(title, say(`bulk.${what}`));
    title.id = "bulk-heading";
    box.setAttribute("aria-labelledby", title.id);
    put(filter, sayFilter(query, words));
    show(box, true);
    title.focus();
    await run(true);
  }

  /** @param {boolean} dry nothing is changed */
  async function run(dry) {
    const mine = (round += 1);
    for (const each of [sure, examples, link]) show(each, false);
    if (!dry) title.focus();
    put(told, say(dry ? "bulkDry" : "bulkDo"));
    bar.removeAttribute("value");
    bar.setAttribute("aria-label", say(dry ? "bulkDry" : `bulk.${act}`));
    show(bar, true);
    try {
      const made = await api("POST", "/api/submit/admin/bulk", { body: { action: act, filter: filterOf(query), dry_run: dry } });
      if (mine !== round) return;
      link.href = routeTo("task", { id: made.id, owner: made.owner });
      show(link, !dry);
      const task = await follow(made, mine);
      if (task) end(dry, task);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine === round) fail(words.problem(error));
    }
  }

  /** Until it has ended, or somebody has turned away. @param {{id: string, owner: string}} made @param {number} mine */
  async function follow(made, mine) {
    while (mine === round) {
      let data = null;
      try {
        data = await api("GET", `/api/notify/admin/tasks/${made.id}`, { query: { owner: made.owner } });
      } catch (error) {
        // 404: accepted, and not projected yet. Lost: it goes on without us.
        if (!(error instanceof ApiError) || !(error.lost || error.status === 404)) throw error;
      }
      if (data && mine === round) {
        const task = toTask(data);
        bar.value = percentOf(task);
        if (hasEnded(task)) return task;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return null;
  }

  /** @param {boolean} dry @param {import("../core/types.js").Task} task */
  function end(dry, task) {
    const result = /** @type {Outcome|null} */ (task.result);
    if (task.status !== "succeeded" || !result) return fail(say("bulkEnded", { m: words.error(task) ?? words.status(task) }));
    const { matched, done, refused } = result;
    show(bar, !dry);
    if (dry) put(told, matched ? say("bulkWould", { n: matched }) : say("bulkNone"));
    else put(told, say("bulkDone", { a: done, b: matched, c: refused }));
    put(sure, dry && matched ? say("bulkSure", { n: matched }) : "");
    const some = (result.examples ?? []).map((each) => `${each.owner} ${each.id}${dry ? "" : `: ${each.outcome}`}`);
    put(examples, some.length ? `${say("examples")}: ${some.join(", ")}` : "");
    if (!dry) again();
  }

  /** @param {string} text */
  function fail(text) {
    show(bar, false);
    put(told, say("cannot", { m: text }));
  }

  return {
    element,
    /** @param {Record<string, string>} filter as the address has it */
    mean: (filter) => void (query = filter),
    close: () => void (round += 1),
  };
}
