// Owns which cards are in the list and in which order, without flicker or lost focus; must not ask the server anything.

import { createCard } from "./card.js";

const FRAME_MS = 8; // of drawing in one frame: hundreds of cards must not hold up the page

/**
 * @param {HTMLElement} list
 * @param {import("./card.js").Actions} actions
 * @param {() => void} onLast the last card has gone, with the focus in it
 */
export function createList(list, actions, onLast) {
  /** @type {Map<string, import("./card.js").Card>} */
  const cards = new Map();
  const focused = () => /** @type {ShadowRoot} */ (list.getRootNode()).activeElement;

  /** Puts the focus on the neighbour of a card that goes away with it. @param {Element} leaving */
  function handOver(leaving) {
    const next = leaving.nextElementSibling ?? leaving.previousElementSibling;
    const card = next instanceof HTMLElement && cards.get(next.dataset.task ?? "");
    if (card) card.focus();
    else onLast();
  }

  return {
    /**
     * @param {readonly import("../core/types.js").Task[]} tasks
     * @param {number} nowMs server time
     * @param {import("../core/words.js").Words} words
     * @param {ReadonlySet<string|null>} retried tasks that have been run again
     * @returns {boolean} false when there is more to be drawn in the next frame
     */
    update(tasks, nowMs, words, retried) {
      const wanted = new Set(tasks.map((task) => task.id));
      for (const [id, card] of cards) {
        if (wanted.has(id)) continue;
        if (card.element.contains(focused())) handOver(card.element);
        card.close();
        card.element.remove();
        cards.delete(id);
      }
      const before = focused();
      let place = list.firstElementChild;
      const until = performance.now() + FRAME_MS;
      let whole = true;
      for (const task of tasks) {
        let card = cards.get(task.id);
        if (performance.now() > until && !card?.isDrawn(task, nowMs, retried.has(task.id))) {
          whole = false;
          if (!card) continue;
        } else {
          if (!card) cards.set(task.id, (card = createCard(task, actions, words)));
          card.update(task, nowMs, retried.has(task.id));
        }
        if (card.element === place) place = place.nextElementSibling;
        else list.insertBefore(card.element, place);
      }
      if (before instanceof HTMLElement && before !== focused() && before.isConnected) before.focus();
      return whole;
    },
    clear() {
      for (const card of cards.values()) card.close();
      cards.clear();
      list.replaceChildren();
    },
  };
}
