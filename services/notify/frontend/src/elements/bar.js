// Owns the one progress bar there is: its role, its values, its fill; must know no client.

import { isOpenEnded, percentOf } from "../core/tasks.js";
import { attribute, el } from "./dom.js";

/** @param {Record<string, string>} named by what the bar is named */
export function createBar(named) {
  const fill = el("div", { class: "fill", part: "fill" });
  const element = el("div", { class: "bar", part: "bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100", ...named }, fill);
  return {
    element,
    /** @param {import("../core/types.js").Task} task @param {import("../core/words.js").Words} words */
    update(task, words) {
      const open = isOpenEnded(task);
      const status = words.status(task);
      attribute(element, "data-state", task.status);
      element.toggleAttribute("data-open", open);
      attribute(element, "aria-valuenow", open ? null : String(percentOf(task)));
      attribute(element, "aria-valuetext", open ? status : `${words.percent(task)}, ${status}`);
      fill.style.setProperty("--at", String(task.progress / 100));
    },
  };
}
