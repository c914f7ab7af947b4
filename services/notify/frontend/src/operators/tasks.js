// Owns the view of everybody's tasks: a filter, the newest of them live, older ones when asked for.

import { el, say as put, show } from "../elements/dom.js";
import { percentOf, toTask } from "../core/tasks.js";
import { createBulk } from "./bulk.js";
import { doer, sheetOf, topOf } from "./parts.js";
import { routeTo } from "./route.js";
import { createSieve, filterOf } from "./sieve.js";
import { createTable } from "./table.js";

/** @typedef {import("../core/types.js").Task & {owner: string, worker: string|null}} Task */

const PAGE = 50;
const MOST_PAGES = 20; // of a rare filter, until it is asked once more

/**
 * @param {HTMLElement} place @param {import("./parts.js").Ports} ports
 * @returns {import("./parts.js").View}
 */
export function createTasks(place, ports) {
  const { api, words, clock } = ports;
  const { say } = words;
  /** @type {Record<string, string>} */
  let query = {};
  /** By owner and id, the newest first. @type {Map<string, Task>} */
  let known = new Map();
  /** @type {string|null} */
  let before = null;
  let begun = false;
  const key = (/** @type {Task} */ { owner, id }) => `${owner}\n${id}`;

  const table = createTable({
    label: say("tasksTitle"), empty: say("noTasks"), key, onLost: () => place.querySelector("h1")?.focus(),
    columns: [
      { title: say("task"), kind: "wide", make: () => {
        const [link, type] = [el("a", { class: "title" }), el("span", { class: "soft" })];
        return { element: el("div", {}, link, type), update: (/** @type {Task} */ task) => {
          put(link, task.title);
          link.setAttribute("href", routeTo("task", { id: task.id, owner: task.owner }));
          put(type, [task.type, ...task.tags].join(" · "));
        } };
      } },
      { title: say("owner"), text: ({ owner }) => owner },
      { title: say("statusName"), make: () => {
        const element = el("span", { class: "status" });
        return { element, update: (/** @type {Task} */ task) => {
          element.dataset.status = task.status;
          put(element, words.status(task));
        } };
      } },
      { title: say("progress"), kind: "number", text: (task) => (task.indeterminate && task.status === "running" ? "…" : `${percentOf(task)}%`) },
      { title: say("attempts"), kind: "number", text: ({ attempt }) => words.format.number(attempt) },
      { title: say("accepted"), kind: "short", text: ({ created_at: at }) => (at ? words.when(at, clock.now()) : "") },
      { title: say("error"), text: ({ error }) => (error ? [error.code, error.reference].filter(Boolean).join(" ") : "") },
    ],
  });
  const more = doer(say("older"), () => load(true), { class: "more", hidden: "" });
  const waiting = el("p", { class: "nothing", role: "status" }, say("loadingView"));
  const bulk = createBulk(ports);

  /** @param {string|null} from @param {number} [limit] @returns {Promise<{tasks: any[], before: string|null}>} */
  const page = (from, limit = PAGE) => api("GET", "/api/notify/admin/tasks", { query: { ...filterOf(query), limit, before: from } });

  /** Goes on until something is found: pages of a rare filter are empty. @param {boolean} older */
  async function load(older) {
    const mine = query;
    let next = older ? before : null;
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const answer = await page(next);
      if (mine !== query) return;
      const tasks = /** @type {Task[]} */ (answer.tasks.map((task) => toTask(task)));
      known = older ? new Map([...known, ...entries(tasks)]) : new Map([...entries(tasks), ...[...known].filter(([name]) => !tasks.some((task) => key(task) === name) && stays(name, tasks))]);
      if (older || !begun) before = next = answer.before;
      else next = null;
      draw();
      if (tasks.length || !next) break;
      put(waiting, say("looking"));
    }
    begun = true;
    draw();
  }
  const entries = (/** @type {Task[]} */ tasks) => tasks.map((task) => /** @type {[string, Task]} */ ([key(task), task]));

  /** Whether one that the newest page lacks is still meant: it is older than that page, and not one that matched and does no more. @param {string} name @param {Task[]} page */
  function stays(name, page) {
    const last = page[page.length - 1];
    return page.length >= PAGE && (known.get(name)?.created_at ?? "") <= (last.created_at ?? "");
  }

  function draw() {
    table.update([...known.values()]);
    show(table.element, begun || known.size > 0);
    put(waiting, begun ? "" : say("loadingView"));
    show(more, before !== null);
  }

  return {
    show(asked) {
      query = asked;
      const sieve = el("details", { class: "fold" }, el("summary", {}, say("filters")), createSieve(words, query));
      sieve.open = Object.keys(query).length > 0 || matchMedia("(min-width: 48rem)").matches; // a phone has no room for it at first
      place.append(topOf("tasks", say("tasksTitle")), el("section", { class: "sheet", "aria-label": say("bulkFilter") }, sieve, bulk.element), sheetOf(say("tasks"), waiting, table.element, more));
      show(table.element, false);
      bulk.mean(query);
    },
    ask: () => load(false),
    close: bulk.close,
  };
}
