// Owns pausing and resuming of a queue or a type: the question, the act, what is said of it; must know no table.

import { ApiError } from "../core/problem.js";
import { attribute, el, say as put, show } from "../elements/dom.js";
import { ask } from "./dialog.js";
import { doer } from "./parts.js";

/** @typedef {{what: "queue"|"type", name: string, since: string, by: string, reason: string|null}} Pause */

/** What is paused of queues or types, by name; null where nothing can be. @typedef {Map<string, Pause>|null} Pauses */

/** @param {Pause[]|null} pauses @param {"queue"|"type"} what @returns {Pauses} */
export const pausesOf = (pauses, what) => pauses && new Map(pauses.filter((pause) => pause.what === what).map((pause) => [pause.name, pause]));

/**
 * A cell with the state of a queue or a type and the button that changes it.
 * @template R
 * @param {import("./parts.js").Ports} ports
 * @param {"queue"|"type"} what
 * @param {(row: R) => [string, Pauses]} of its name, and what is paused
 */
export function pausing({ api, words, clock, again }, what, of) {
  const { say } = words;
  const state = el("span", { class: "soft" });
  const trouble = el("span", { class: "problem", role: "alert", hidden: "" });
  let name = "";
  /** @type {Pause|null} */
  let paused = null;

  const button = doer(say("pause"), async () => {
    const path = `/api/submit/admin/pauses/${what}s/${encodeURIComponent(name)}`;
    put(trouble, "");
    try {
      if (paused) await api("DELETE", path);
      else {
        const answer = await ask({ title: say("pauseTitle", { name }), text: say("pauseText"), yes: say("pause"), no: say("leaveIt"), field: say("reasonOptional") });
        if (!answer) return;
        await api("PUT", path, { body: answer.text ? { reason: answer.text } : {} });
      }
      again();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      put(trouble, say("cannot", { m: words.problem(error) }));
    }
  });
  const element = el("div", { class: "pausing" }, state, button, trouble);

  return {
    element,
    /** @param {R} row */
    update(row) {
      const [named, pauses] = of(row);
      name = named;
      paused = pauses?.get(name) ?? null;
      const values = paused && { t: words.when(paused.since, clock.now()), by: paused.by, r: paused.reason ?? "" };
      put(state, values ? say(values.r ? "pausedWhy" : "pausedBy", values) : "");
      attribute(state, "data-tone", paused ? "bad" : null);
      put(button, say(paused ? "resume" : "pause"));
      attribute(button, "aria-label", `${say(paused ? "resume" : "pause")}: ${name}`);
      show(button, pauses !== null);
    },
  };
}
