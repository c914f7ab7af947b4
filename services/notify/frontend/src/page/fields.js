// Owns what a form says next to its fields; must not know what the fields mean.

import { say } from "../elements/dom.js";

/** @typedef {HTMLInputElement|HTMLTextAreaElement|HTMLSelectElement} Input */

/**
 * The messages of one form: `#<id>-error` stands next to each field.
 * @param {HTMLFormElement} form
 * @param {HTMLElement} message at its end
 */
export function createFields(form, message) {
  const fields = /** @type {Input[]} */ ([...form.querySelectorAll("input, textarea, select")]);

  /** @param {HTMLElement} field @param {string} text */
  function mark(field, text) {
    const beside = form.querySelector(`#${CSS.escape(field.id)}-error`);
    if (beside) say(beside, text);
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  return {
    mark,
    /** @param {Record<string, string>} wrong by the field's name; the first of them is focused */
    refuse(wrong) {
      const refused = fields.filter((field) => wrong[field.name]);
      for (const field of refused) mark(field, wrong[field.name]);
      refused[0]?.focus();
      return refused.length > 0;
    },
    /** @param {string} text @param {"error"|"note"} tone */
    tell(text, tone = "error") {
      message.dataset.tone = tone;
      say(message, text);
      if (text && tone === "error") message.scrollIntoView({ block: "nearest" });
    },
    clear() {
      for (const field of fields) mark(field, "");
      say(message, "");
    },
    /** A form at work takes no second order, and keeps the focus where it is. @param {boolean} now */
    busy(now) {
      form.setAttribute("aria-busy", String(now));
      for (const button of form.querySelectorAll("button")) {
        if (now) button.setAttribute("aria-disabled", "true");
        else button.removeAttribute("aria-disabled");
      }
    },
    get isBusy() {
      return form.getAttribute("aria-busy") === "true";
    },
  };
}
