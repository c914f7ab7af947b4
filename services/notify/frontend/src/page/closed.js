// Owns looking again at tasks that were closed: the newest of them, each with its history; brings none back.

import { ApiError } from "milepost";
import { toTask } from "../core/tasks.js";
import { el, say as put, sheet, show } from "../elements/dom.js";
import css from "../elements/tasks.css";
import { createShelf } from "./shelf.js";

const PAGE = 30;

/** @param {{client: () => import("../core/client.js").Client, words: () => import("../core/words.js").Words}} ports */
export function createClosed({ client, words }) {
  /** @param {import("../core/types.js").Task} task */
  function row(task) {
    const { say, status, facts, error, format } = words();
    const host = el("div", { class: "panel-host", hidden: "" });
    const into = el("div");
    const button = el("button", { type: "button", "aria-expanded": "false" }, say("details"));
    /** @type {{close: () => void}|null} */
    let panel = null;
    button.addEventListener("click", async () => {
      const opening = host.hasAttribute("hidden");
      button.setAttribute("aria-expanded", String(opening));
      show(host, opening);
      if (!host.shadowRoot) {
        const root = host.attachShadow({ mode: "open" });
        root.adoptedStyleSheets = [sheet(css)];
        root.append(el("h2", { class: "unseen" }, task.title), el("div", { class: "task one", "data-status": task.status }, into));
      }
      panel?.close();
      panel = null;
      if (!opening) return;
      const { openDetails } = await import("../milepost-details.js");
      panel = await openDetails({ task, into, client: client(), lang: format.lang });
    });
    const said = [status(task), ...facts(task, client().clock.now()), error(task) ?? ""].filter(Boolean).join(" · ");
    return el("li", {}, el("div", {}, el("strong", {}, task.title), el("span", { class: "hint" }, said)), button, host);
  }

  createShelf("open-closed", {
    words, title: "closedTitle",
    async fill(body) {
      const { say } = words();
      const list = el("ul", { class: "rows", role: "list" });
      const told = el("p", { class: "hint", role: "status" }, say("starting"));
      const more = el("button", { type: "button", hidden: "" }, say("older"));
      body.append(list, told, more);
      /** @type {string|null} */
      let before = null;
      const load = async () => {
        try {
          const answer = await client().request("GET", "/api/notify/tasks", { query: { status: "dismissed", limit: PAGE, before } });
          list.append(...answer.tasks.map((/** @type {any} */ data) => row(toTask(data))));
          before = answer.before;
          put(told, list.children.length ? "" : say("closedNone"));
          show(more, Boolean(before));
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          put(told, words().problem(error));
        }
      };
      more.addEventListener("click", () => void load());
      await load();
    },
  });
}
