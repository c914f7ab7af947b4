// Owns whether the form is folded where it would stand above the list: on a phone; a wide page shows it always.

import { byId } from "./dom.js";

export function createFolding() {
  const [section, button] = [byId("compose"), byId("unfold")];

  /** @param {boolean} folded */
  function fold(folded) {
    section.toggleAttribute("data-folded", folded);
    button.setAttribute("aria-expanded", String(!folded));
  }
  button.addEventListener("click", () => {
    fold(!section.hasAttribute("data-folded"));
    if (!section.hasAttribute("data-folded")) section.querySelector(".card :is(input, textarea, select)")?.focus();
  });
  return {
    fold,
    /** Puts the focus on the way to the form where it is folded away. */
    focus() {
      if (section.hasAttribute("data-folded")) button.focus(); // does nothing where the button is not shown
    },
  };
}
