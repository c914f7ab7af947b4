// Owns the list of cards: which, in which order, without flicker or lost focus; must not ask the server anything.

import { byId, say, show } from "./dom.js";
import { summary } from "../core/words.js";
import { createCard } from "./task-card.js";

/**
 * @param {{cancel: (id: string) => Promise<unknown>, dismiss: (id: string) => Promise<unknown>}} actions
 */
export function createTaskList(actions) {
  const list = byId("list");
  const heading = byId("tasks-heading");
  /** @type {Map<string, import("./task-card.js").Card>} */
  const cards = new Map();

  /** Puts the focus on the neighbour of a card that goes away with it. @param {Element} leaving */
  function handOver(leaving) {
    const next = leaving.nextElementSibling ?? leaving.previousElementSibling;
    const card = next instanceof HTMLElement && cards.get(next.dataset.task ?? "");
    if (card) card.focus();
    else heading.focus();
  }

  return {
    /**
     * @param {import("../core/types.js").Snapshot} snapshot
     * @param {number} nowMs server time
     */
    update({ phase, tasks }, nowMs) {
      const wanted = new Set(tasks.map((task) => task.id));
      for (const [id, { element }] of cards) {
        if (wanted.has(id)) continue;
        if (element.contains(document.activeElement)) handOver(element);
        element.remove();
        cards.delete(id);
      }
      const focused = document.activeElement;
      let place = list.firstElementChild;
      for (const task of tasks) {
        const card = cards.get(task.id) ?? createCard(task, actions);
        cards.set(task.id, card);
        card.update(task, nowMs);
        if (card.element === place) place = place.nextElementSibling;
        else list.insertBefore(card.element, place);
      }
      if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected) focused.focus();
      show(list, tasks.length > 0);
      show(byId("empty"), phase === "ready" && !tasks.length);
      show(byId("loading"), phase === "loading");
      say(byId("summary"), summary(tasks));
    },
    clear() {
      cards.clear();
      list.replaceChildren();
    },
  };
}
