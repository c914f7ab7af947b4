// Owns the view of one task of somebody's: what it is, what happened with exceptions, and what may be done with it.

import { ApiError } from "../core/problem.js";
import { hasEnded, toTask } from "../core/tasks.js";
import { createBar } from "../elements/bar.js";
import { attribute, el, say as put, sheet, show } from "../elements/dom.js";
import css from "../elements/tasks.css";
import { doer, topOf } from "./parts.js";
import { routeTo } from "./route.js";

/** @typedef {import("../core/types.js").Task} Task */

/**
 * @param {HTMLElement} place @param {import("./parts.js").Ports} ports
 * @returns {import("./parts.js").View}
 */
export function createTask(place, { api, words, clock, again }) {
  const { say } = words;
  const base = "/api/notify/admin/tasks";
  let [id, owner, revision] = ["", "", ""];
  /** @type {{update: (task: Task) => void, close: () => void}|null} */
  let panel = null;
  const heading = topOf("task", say("loadingView"));
  const title = /** @type {HTMLElement} */ (heading.querySelector("h1"));
  const status = el("span", { class: "status" });
  const facts = el("p", { class: "soft" });
  const error = el("p", { class: "problem", hidden: "" });
  const said = el("p", { class: "message", role: "status", "data-tone": "note", hidden: "" });
  const trouble = el("p", { class: "problem", role: "alert", hidden: "" });
  const bar = createBar({ "aria-label": say("progress") });
  const into = el("div");
  const host = el("div", { class: "panel-host" });
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [sheet(css)];
  const box = el("div", { class: "task one" }, bar.element, into);
  root.append(box);

  /** @param {string} what @param {(answer: any) => (Node|string)[]} tell */
  const act = (what, tell) => async () => {
    put(trouble, "");
    try {
      const answer = await api("POST", `/api/submit/admin/tasks/${encodeURIComponent(id)}/${what}`, { query: { owner } });
      said.replaceChildren(...tell(answer));
      show(said, true);
      again();
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      put(trouble, say("cannot", { m: words.problem(problem) }));
    }
  };
  const cancel = doer(say("cancel"), act("cancel", () => [say("asked")]), { hidden: "" });
  const retry = doer(say("retry"), act("retry", (made) => [say("retriedAs"), " ", el("a", { href: routeTo("task", { id: made.id, owner }) }, say("showIt"))]), { hidden: "" });

  /** What the panel asks for a task's owner, asked as an operator. */
  const client = () => ({
    clock,
    get: (/** @type {string} */ task) => api("GET", `${base}/${encodeURIComponent(task)}`, { query: { owner } }),
    /** @type {import("../core/api.js").Api} */
    request: (method, path, request) => api(method, path.replace("/api/notify/tasks", base), { ...request, query: { ...request?.query, owner } }),
  });

  async function load() {
    const mine = `${owner}\n${id}`;
    /** @type {any} */
    let data;
    try {
      data = await client().get(id);
    } catch (problem) {
      if (!(problem instanceof ApiError) || ![404, 422].includes(problem.status)) throw problem;
      return gone();
    }
    if (mine !== `${owner}\n${id}`) return;
    const task = toTask(data);
    put(title, task.title);
    status.dataset.status = task.status;
    put(status, words.status(task));
    put(facts, [data.owner, task.type, ...words.facts(task, clock.now())].join(" · "));
    put(error, words.error(task) ?? "");
    attribute(box, "data-status", task.status);
    bar.update(task, words);
    show(cancel, !hasEnded(task));
    show(retry, hasEnded(task) && task.status !== "succeeded");
    show(host, true);
    if (!panel) {
      const { openDetails } = await import("../milepost-details.js");
      panel = await openDetails({ task, into, client: client(), lang: words.format.lang });
    } else if (task.revision !== revision || !hasEnded(task)) panel.update(task);
    revision = task.revision ?? "";
  }

  function gone() {
    put(title, say("gone"));
    show(host, false);
    for (const each of [cancel, retry, status, facts]) show(each, false);
  }

  return {
    show(query) {
      [id, owner] = [query.id ?? "", query.owner ?? ""];
      show(host, false);
      const acts = el("div", { class: "buttons" }, cancel, retry, said, trouble);
      place.append(el("p", {}, el("a", { href: "#tasks" }, `← ${say("back")}`)), heading, el("section", { class: "sheet" }, el("h2", { class: "unseen" }, say("details")), el("p", { class: "line" }, status, " ", facts), error, acts, host));
    },
    ask: load,
    close: () => panel?.close(),
  };
}
