// Owns one task's card: drawn once, then changed in place; must not decide what a task means.

import { ApiError } from "../core/problem.js";
import { hasEnded, isOpenEnded } from "../core/tasks.js";
import { createBar } from "./bar.js";
import { attribute, el, icon, say, show } from "./dom.js";

const LONG = 240; // characters of a result that are shown without being asked for

/** @typedef {import("../core/types.js").Task} Task */
/** @typedef {ReturnType<typeof createCard>} Card */

/**
 * @typedef {object} Actions
 * @property {(id: string) => Promise<unknown>} cancel
 * @property {(id: string) => Promise<unknown>} retry
 * @property {(id: string) => Promise<unknown>} dismiss
 * @property {(task: Task, into: HTMLElement) => Promise<{update: (task: Task) => void, close: () => void}>} open
 * @property {(task: Task, error: ApiError) => void} onError
 * @property {(task: Task) => Node|null} extra what the host adds to each card
 * @property {() => import("../core/client.js").Client} client
 */

/**
 * @param {Task} first
 * @param {Actions} actions
 * @param {import("../core/words.js").Words} words
 */
export function createCard(first, actions, words) {
  const titleId = `t-${first.id}`;
  const mark = icon();
  const arrow = icon();
  arrow.set("running");
  const percent = el("span", { class: "percent", "aria-hidden": "true" });
  const title = el("h2", { class: "title", part: "title", id: titleId });
  const status = el("span", { class: "status", part: "status" });
  const bar = createBar({ "aria-labelledby": titleId });
  const message = el("p", { class: "message", part: "message" });
  const small = el("p", { class: "facts", part: "facts" });
  const worried = el("p", { class: "worry" });
  const error = el("p", { class: "error", part: "error" });
  const result = el("div", { class: "result", hidden: "" });
  const trouble = el("p", { class: "error", role: "alert", hidden: "" });
  const more = el("div", { class: "extra" });
  const details = el("div", { class: "details", part: "panel", id: `d-${first.id}`, hidden: "" });
  /** @param {string} key */
  const button = (key) => el("button", { type: "button", class: "small", part: `button ${key}`, "aria-describedby": titleId }, words.say(key));
  const [opener, cancel, retry, close] = ["details", "cancel", "retry", "close"].map(button);
  opener.append(arrow.element);
  opener.setAttribute("aria-expanded", "false");
  opener.setAttribute("aria-controls", details.id);
  const said = el("div", { class: "said" }, error, message, worried, small, trouble);
  const foot = el("div", { class: "foot" }, said, el("div", { class: "actions" }, opener, cancel, retry, close));
  const text = el("div", { class: "text" }, el("div", { class: "head" }, title, status), bar.element, foot, result, more);
  const stone = el("div", { class: "stone" }, el("span", { class: "cap" }, mark.element), percent);
  const element = el("li", { class: "task", part: "task", tabindex: "-1", "data-task": first.id }, stone, text, details);
  const extra = actions.extra(first);
  if (extra) more.append(extra);
  /** @type {Task} */
  let task = first;
  /** @type {Task|undefined} */
  let drawn;
  let second = 0;
  let drawnResult = "";
  let wasEnded = false;
  let retried = false;
  /** @type {{update: (task: Task) => void, close: () => void}|null} */
  let panel = null;

  /** @param {HTMLElement} button @param {(id: string) => Promise<unknown>} act @param {() => void} [after] */
  function wire(button, act, after = () => {}) {
    button.addEventListener("click", async () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      attribute(button, "aria-disabled", "true");
      say(trouble, "");
      try {
        await act(first.id);
        after();
      } catch (problem) {
        if (!(problem instanceof ApiError)) throw problem;
        if (problem.status !== 409) {
          say(trouble, words.problem(problem)); // 409: the news is on its way
          actions.onError(task, problem);
        }
        attribute(button, "aria-disabled", null);
      }
    });
  }
  wire(cancel, actions.cancel);
  wire(close, actions.dismiss);
  wire(retry, actions.retry, () => offer(!(retried = true)));
  /** @param {boolean} now */
  function offer(now) {
    if (!now && host()?.activeElement === retry) element.focus();
    show(retry, now);
  }
  const host = () => /** @type {ShadowRoot|null} */ (element.getRootNode() instanceof ShadowRoot ? element.getRootNode() : null);

  opener.addEventListener("click", async () => {
    const opening = opener.getAttribute("aria-expanded") !== "true";
    attribute(opener, "aria-expanded", String(opening));
    show(details, opening);
    panel?.close();
    panel = null;
    details.replaceChildren();
    if (!opening) return;
    try {
      const opened = await actions.open(task, details);
      if (opener.getAttribute("aria-expanded") === "true") panel = opened;
      else opened.close();
    } catch {
      details.replaceChildren(el("p", { class: "error" }, words.say("unreachable")));
    }
  });

  /** Drawn anew only when it differs, so that one that was opened stays open. @param {Task} task */
  function drawResult(task) {
    const pairs = words.result(task);
    const key = JSON.stringify(pairs);
    if (key === drawnResult) return;
    drawnResult = key;
    const lead = pairs[0]?.[0] === "" ? pairs[0] : null;
    const rest = lead ? pairs.slice(1) : pairs;
    const list = el("dl", {}, ...rest.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
    const folded = lead !== null || key.length > LONG;
    const shown = folded ? el("details", {}, el("summary", {}, words.say(lead ? "more" : "result")), list) : list;
    const link = words.outcome(task)?.link?.(actions.client());
    result.replaceChildren(...(lead ? [el("p", {}, lead[1])] : []), ...(link ? [link] : []), ...(rest.length ? [shown] : []));
    show(result, pairs.length > 0);
  }

  /** Of what has ended nothing hangs on the time. @param {Task} next @param {number} nowMs server time @param {boolean} again it was run again */
  const isDrawn = (next, nowMs, again) => next === drawn && again <= retried && (hasEnded(next) || Math.floor(nowMs / 1000) === second);

  return {
    element,
    isDrawn,
    /**
     * @param {Task} next
     * @param {number} nowMs server time
     * @param {boolean} again it was run again, here or elsewhere
     */
    update(next, nowMs, again) {
      if (isDrawn(next, nowMs, again)) return;
      retried ||= again;
      const ended = hasEnded(next);
      task = next;
      second = Math.floor(nowMs / 1000);
      const anxious = words.worry(task, nowMs) ?? "";
      const worrying = anxious || words.fellShort(task);
      attribute(element, "data-status", task.status);
      element.toggleAttribute("data-worry", Boolean(worrying));
      const unread = ended && !task.read;
      element.toggleAttribute("data-unread", unread);
      mark.set(worrying ? "worry" : task.status);
      say(title, task.title);
      say(status, words.status(task));
      say(percent, isOpenEnded(task) ? "…" : words.percent(task));
      bar.update(task, words);
      say(message, (!ended && task.message) || "");
      say(small, [...(unread ? [words.say("new")] : []), ...words.facts(task, nowMs)].join(" · "));
      say(worried, anxious);
      say(error, ended || task.status === "retrying" ? words.error(task) ?? "" : "");
      if (task !== drawn) {
        drawResult(task);
        for (const field of more.querySelectorAll("[data-field]")) {
          const value = /** @type {any} */ (task)[/** @type {HTMLElement} */ (field).dataset.field ?? ""];
          field.textContent = value === null || value === undefined ? "" : words.plain(value);
        }
        panel?.update(task);
      }
      drawn = task;
      if (task.cancel_requested_at) attribute(cancel, "aria-disabled", "true");
      if (ended && !wasEnded && host()?.activeElement === cancel) element.focus(); // never on Close, which may be pressed by mistake
      wasEnded = ended;
      show(cancel, !ended && !task.local);
      show(opener, !task.local);
      show(close, ended);
      offer(ended && task.status !== "succeeded" && !retried);
    },
    focus: () => (close.hidden ? element : close).focus(),
    close: () => panel?.close(),
  };
}
