// Owns the few shapes that all views are put together of; must not know what they show.

import { attribute, el, say } from "../elements/dom.js";

/**
 * What every view is given.
 * @typedef {object} Ports
 * @property {import("../core/api.js").Api} api
 * @property {import("../core/words.js").Words} words
 * @property {import("../core/clock.js").Clock} clock
 * @property {() => void} again something was done: ask at once
 */

/**
 * What every view is.
 * @typedef {object} View
 * @property {(query: Record<string, string>) => void} show it is looked at, of this
 * @property {() => Promise<void>} ask brings it up to date
 * @property {() => void} [close]
 */

/** @param {string} title @param {...Node} children */
export const sheetOf = (title, ...children) => el("section", { class: "sheet" }, el("div", { class: "sheet-top" }, el("h2", {}, title)), ...children);

/** A view's heading. @param {string} name @param {string} text @param {...Node} beside */
export const topOf = (name, text, ...beside) => el("div", { class: "view-top" }, el("h1", { id: `${name}-heading`, tabindex: "-1" }, text), ...beside);

/** A large number with its name. @param {string} name */
export function tile(name) {
  const value = el("dd", {}, "…");
  const element = el("div", { class: "tile" }, el("dt", {}, name), value);
  return {
    element,
    /** @param {string} text @param {boolean} [bad] */
    set(text, bad = false) {
      say(value, text);
      attribute(element, "data-tone", bad ? "bad" : null);
    },
  };
}

/**
 * What a table makes of a cell whose text leads somewhere.
 * @template R
 * @param {string} kind `name` or `mono` @param {(row: R) => [string, string]} of its text, and where it leads
 */
export function leading(kind, of) {
  const element = el("a", { class: kind });
  return {
    element,
    /** @param {R} row */
    update(row) {
      const [text, to] = of(row);
      say(element, text);
      attribute(element, "href", to);
    },
  };
}

/** Seconds in a unit, its name, and the number of seconds from which the next one reads better. @type {[number, string, number][]} */
const UNITS = [[1, "second", 100], [60, "minute", 5_400], [3_600, "hour", 172_800], [86_400, "day", Infinity]];

/** A length of time in a table: short, and never 0 for what is a little. @param {number} seconds @param {string} lang */
export function brief(seconds, lang) {
  const [size, unit] = UNITS.find(([, , below]) => seconds < below) ?? UNITS[3];
  const format = new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "short" });
  return seconds < 1 ? `< ${format.format(1)}` : format.format(Math.round(seconds / size));
}

/**
 * A button that does one thing at a time and says beside it why it could not.
 * @param {string} text @param {() => Promise<void>} act @param {Record<string, string>} [attributes]
 */
export function doer(text, act, attributes = {}) {
  const button = el("button", { type: "button", ...attributes }, text);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    attribute(button, "aria-disabled", "true");
    try {
      await act();
    } finally {
      attribute(button, "aria-disabled", null);
    }
  });
  return button;
}
