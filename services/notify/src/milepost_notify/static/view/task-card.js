// Owns one task's card: drawn once, then changed in place; must not decide what a task means.

import { ApiError } from "../core/problem.js";
import { hasEnded, isOpenEnded, percentOf } from "../core/tasks.js";
import { errorWords, facts, fellShort, percentWords, problemWords, resultWords, statusWords, worry } from "../core/words.js";
import { attribute, el, icon, say, show } from "./dom.js";

const LONG = 240; // characters of a result that are shown without being asked for

/** @typedef {import("../core/types.js").Task} Task */
/** @typedef {ReturnType<typeof createCard>} Card */

/**
 * @param {Task} first
 * @param {{cancel: (id: string) => Promise<unknown>, dismiss: (id: string) => Promise<unknown>}} actions
 */
export function createCard(first, actions) {
  const titleId = `task-${first.id}`;
  const mark = icon();
  const percent = el("span", { class: "percent" });
  const title = el("h2", { class: "title", id: titleId });
  const status = el("span", { class: "status" });
  const fill = el("div", { class: "fill" });
  const bar = el("div", { class: "bar", role: "progressbar", "aria-labelledby": titleId, "aria-valuemin": "0", "aria-valuemax": "100" }, fill);
  const message = el("p", { class: "message" });
  const small = el("p", { class: "facts" });
  const worried = el("p", { class: "worry" });
  const error = el("p", { class: "error" });
  const result = el("div", { class: "result", hidden: "" });
  const trouble = el("p", { class: "error", role: "alert", hidden: "" });
  const cancel = el("button", { type: "button", class: "quiet", "aria-describedby": titleId }, "Cancel");
  const close = el("button", { type: "button", "aria-describedby": titleId }, "Close");
  const stone = el("div", { class: "stone" }, el("span", { class: "cap" }, mark.element), percent);
  const text = el("div", { class: "text" }, el("div", { class: "head" }, title, status), bar, error, message, worried, small, result, trouble);
  const element = el("li", { class: "task", tabindex: "-1", "data-task": first.id }, stone, text, el("div", { class: "actions" }, cancel, close));
  /** @type {Task|undefined} */
  let drawn;
  let drawnResult = "";
  let wasEnded = false;

  /** @param {HTMLButtonElement} button @param {(id: string) => Promise<unknown>} act */
  function wire(button, act) {
    button.addEventListener("click", async () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      attribute(button, "aria-disabled", "true");
      say(trouble, "");
      try {
        await act(first.id);
      } catch (problem) {
        if (!(problem instanceof ApiError)) throw problem;
        if (problem.status !== 409) say(trouble, problemWords(problem)); // 409: the news is on its way
        attribute(button, "aria-disabled", null);
      }
    });
  }
  wire(cancel, actions.cancel);
  wire(close, actions.dismiss);

  /** Drawn anew only when it differs, so that one that was opened stays open. @param {Task} task */
  function drawResult(task) {
    const pairs = resultWords(task);
    const key = JSON.stringify(pairs);
    if (key === drawnResult) return;
    drawnResult = key;
    const [lead, ...rest] = pairs[0]?.[0] === "" ? pairs : [null, ...pairs];
    const list = el("dl", {}, ...rest.map(([name, words]) => el("div", {}, el("dt", {}, name), el("dd", {}, words))));
    const folded = lead !== null || key.length > LONG;
    const shown = folded ? el("details", {}, el("summary", {}, lead ? "More" : "Result"), list) : list;
    result.replaceChildren(...(lead ? [el("p", {}, lead[1])] : []), ...(rest.length ? [shown] : []));
    show(result, pairs.length > 0);
  }

  return {
    element,
    /**
     * @param {Task} task
     * @param {number} nowMs server time
     */
    update(task, nowMs) {
      const ended = hasEnded(task);
      if (task === drawn && ended) return; // nothing of it hangs on the time
      const open = isOpenEnded(task);
      const words = statusWords(task);
      attribute(element, "data-status", task.status);
      const anxious = worry(task, nowMs) ?? "";
      const worrying = anxious || fellShort(task);
      attribute(element, "data-worry", worrying ? "" : null);
      mark.set(worrying ? "worry" : task.status);
      say(title, task.title);
      say(status, words);
      say(percent, open ? "…" : percentWords(task));
      attribute(bar, "data-open", open ? "" : null);
      attribute(bar, "aria-valuenow", open ? null : String(percentOf(task)));
      attribute(bar, "aria-valuetext", open ? words : `${percentWords(task)}, ${words}`);
      fill.style.setProperty("--at", String(task.progress / 100));
      say(message, (!ended && task.message) || "");
      say(small, facts(task, nowMs).join(" · "));
      say(worried, anxious);
      say(error, ended ? errorWords(task) ?? "" : "");
      if (task !== drawn) drawResult(task);
      drawn = task;
      attribute(cancel, "aria-disabled", task.cancel_requested_at ? "true" : cancel.getAttribute("aria-disabled"));
      if (ended && !wasEnded && document.activeElement === cancel) element.focus(); // never on Close, which may be pressed by mistake
      wasEnded = ended;
      show(cancel, !ended);
      show(close, ended);
    },
    focus: () => (close.hidden ? element : close).focus(),
  };
}
