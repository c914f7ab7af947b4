// Owns the view of failed attempts, newest first, each with its exception; found by the reference its owner was told.

import { el, say as put, show } from "../elements/dom.js";
import { doer, sheetOf, topOf } from "./parts.js";
import { routeTo } from "./route.js";
import { createTable } from "./table.js";

/**
 * @typedef {{reference: string|null, code: string|null, message: string|null, detail: string|null, final: boolean, at: string,
 *   attempt: number, owner: string, task: string, type: string|null, title: string|null, status: string|null}} Failure
 */

const PAGE = 50;

/**
 * @param {HTMLElement} place @param {import("./parts.js").Ports} ports
 * @returns {import("./parts.js").View}
 */
export function createFailures(place, { api, words, clock }) {
  const { say } = words;
  let reference = "";
  /** @type {Failure[]} */
  let failures = [];
  /** @type {string|null} */
  let before = null;
  let begun = false;
  const key = (/** @type {Failure} */ { owner, task, attempt }) => `${owner}\n${task}\n${attempt}`;

  const table = createTable({
    label: say("failuresTitle"), empty: "", key, onLost: () => place.querySelector("h1")?.focus(),
    columns: [
      { title: say("when"), kind: "short", text: ({ at }) => words.when(at, clock.now()) },
      { title: say("task"), kind: "wide", make: () => {
        const [link, about] = [el("a", { class: "title" }), el("span", { class: "soft" })];
        return { element: el("div", {}, link, about), update: (/** @type {Failure} */ row) => {
          put(link, row.title ?? row.task);
          link.setAttribute("href", routeTo("task", { id: row.task, owner: row.owner }));
          put(about, `${row.type ?? say("removed")} · ${row.owner}`);
        } };
      } },
      { title: say("attempt2"), kind: "number", text: ({ attempt }) => words.format.number(attempt) },
      { title: say("state"), kind: "short", text: ({ final }) => say(final ? "final" : "triedAgain"), tone: ({ final }) => (final ? "bad" : null) },
      { title: say("referenceName"), kind: "mono", text: ({ reference: told }) => told ?? "–" },
      { title: say("what"), kind: "what", make: () => told() },
    ],
  });

  /** The message, and the exception where it is asked for. */
  function told() {
    const message = el("span");
    const trace = el("pre", { class: "trace", tabindex: "0" });
    const folded = el("details", { hidden: "" }, el("summary", {}, say("trace")), trace);
    return {
      element: el("div", {}, message, folded),
      /** @param {Failure} row */
      update(row) {
        put(message, row.message ?? row.code ?? "");
        put(trace, row.detail ?? "");
        show(folded, Boolean(row.detail));
      },
    };
  }

  const more = doer(say("older"), () => load(true), { class: "more", hidden: "" });
  const nothing = el("p", { class: "nothing", role: "status" }, say("loadingView"));

  /** @param {boolean} older */
  async function load(older) {
    const mine = reference;
    const answer = await api("GET", "/api/notify/admin/errors", { query: { reference: reference || null, limit: PAGE, before: older ? before : null } });
    if (mine !== reference) return;
    const fresh = new Set(answer.errors.map(key));
    const others = failures.filter((row) => !fresh.has(key(row)));
    failures = older ? [...others, ...answer.errors] : [...answer.errors, ...others];
    if (older || !begun) before = answer.before;
    begun = true;
    table.update(failures);
    put(nothing, failures.length ? "" : say(reference ? "noReference" : "noFailures"));
    show(more, before !== null);
  }

  return {
    show(query) {
      reference = query.reference ?? "";
      const input = el("input", { id: "reference", name: "reference", value: reference, autocomplete: "off", spellcheck: "false", maxlength: "64" });
      const form = el("form", { class: "sieve" }, el("div", { class: "field" }, el("label", { for: "reference" }, say("referenceName")), input), el("div", { class: "buttons" }, el("button", { type: "submit", class: "primary" }, say("find"))));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        location.hash = routeTo("failures", { reference: input.value.trim() });
      });
      place.append(topOf("failures", say("failuresTitle")), el("section", { class: "sheet", "aria-label": say("find") }, form), sheetOf(say("failures"), nothing, table.element, more));
    },
    ask: () => load(false),
  };
}
