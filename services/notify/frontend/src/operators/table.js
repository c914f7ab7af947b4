// Owns tables that are changed in place, so that nothing flickers and no focus is lost; must not know what is in them.

import { attribute, el, say, show } from "../elements/dom.js";

/**
 * @template R
 * @typedef {object} Column
 * @property {string} title
 * @property {string} [kind] `number`, `acts`, `wide`: how its cells look
 * @property {(row: R) => string} [text]
 * @property {(row: R) => string|null} [tone] `bad` where it is
 * @property {(row: R) => {element: Node, update: (row: R) => void}} [make] for cells that are more than text
 */

/**
 * Roles are written out: a table that is laid out as cards on a phone is one to nobody otherwise.
 * @template R
 * @param {{label: string, empty: string, columns: Column<R>[], key: (row: R) => string, onLost?: () => void}} options
 */
export function createTable({ label, empty, columns, key, onLost = () => {} }) {
  const heads = columns.map(({ title, kind }) => el("th", { scope: "col", role: "columnheader", class: kind ?? "" }, title));
  const body = el("tbody", { role: "rowgroup" });
  const table = el("table", { role: "table", "aria-label": label, hidden: "" }, el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...heads)), body);
  const nothing = el("p", { class: "nothing", hidden: "" });
  const element = el("div", {}, table, nothing);
  /** @type {Map<string, {element: HTMLElement, update: (row: R) => void}>} */
  const rows = new Map();

  /** @param {R} first */
  function createRow(first) {
    const element = el("tr", { role: "row" });
    const updates = columns.map(({ title, kind, text, tone, make }) => {
      const cell = el("td", { role: "cell", class: kind ?? "", "data-label": title });
      const made = make?.(first);
      if (made) cell.append(made.element);
      element.append(cell);
      return (/** @type {R} */ row) => {
        made?.update(row);
        const said = text?.(row);
        if (said !== undefined && cell.textContent !== said) cell.textContent = said;
        if (tone) attribute(cell, "data-tone", tone(row));
      };
    });
    return { element, update: (/** @type {R} */ row) => updates.forEach((update) => update(row)) };
  }

  return {
    element,
    /** @param {readonly R[]} wanted */
    update(wanted) {
      const keys = new Set(wanted.map(key));
      for (const [name, row] of rows) {
        if (keys.has(name)) continue;
        const lost = row.element.contains(document.activeElement);
        row.element.remove();
        rows.delete(name);
        if (lost) onLost();
      }
      let place = body.firstElementChild;
      for (const each of wanted) {
        const name = key(each);
        let row = rows.get(name);
        if (!row) rows.set(name, (row = createRow(each)));
        row.update(each);
        if (row.element === place) place = place.nextElementSibling;
        else body.insertBefore(row.element, place);
      }
      show(table, wanted.length > 0);
      say(nothing, wanted.length ? "" : empty);
    },
  };
}
