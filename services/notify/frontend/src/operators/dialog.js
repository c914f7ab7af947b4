// Owns the one question that stands before an act that cannot be taken back; must not do the act.

import { el } from "../elements/dom.js";

let count = 0;

/**
 * Asks, with a line of text to be typed where `field` names one.
 * @param {{title: string, text: string, yes: string, no: string, field?: string, danger?: boolean}} options
 * @returns {Promise<{text: string}|null>} null: left as it is
 */
export function ask({ title, text, yes, no, field, danger }) {
  const id = `ask-${(count += 1)}`;
  const input = el("input", { id: `${id}-field`, maxlength: "200", autocomplete: "off" });
  const fields = field ? [el("div", { class: "field" }, el("label", { for: input.id }, field), input)] : [];
  const sure = el("button", { type: "submit", class: danger ? "danger" : "primary", value: "yes" }, yes);
  const leave = el("button", { type: "submit", value: "", formnovalidate: "" }, no);
  const form = el("form", { method: "dialog", class: "question" }, el("h2", { id }, title), el("p", {}, text), ...fields, el("div", { class: "buttons" }, sure, leave));
  const dialog = el("dialog", { "aria-labelledby": id }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes" ? { text: input.value.trim() } : null);
    });
  });
}
