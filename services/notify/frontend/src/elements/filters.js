// Owns which of the tasks a person wants to see: all, active or ended ones, those with some text; must draw no task.

import { hasEnded } from "../core/tasks.js";
import { el, say, sheet, show } from "./dom.js";
import css from "./filters.css";

/** @typedef {ReturnType<typeof createFilters>} Filters */
/** @typedef {import("../core/types.js").Task} Task */

/** @type {Record<string, Record<string, string>>} */
const own = {
  en: { all: "All", active: "Active", past: "Ended", search: "Search", show: "Show" },
  ko: { all: "전체", active: "진행", past: "종료", search: "검색", show: "보기" },
};

/** @type {CSSStyleSheet|undefined} */
let style;

/** @param {{root: ShadowRoot, before: Element, words: import("../core/words.js").Words, onChange: () => void}} ports */
export function createFilters({ root, before, words, onChange }) {
  style ??= sheet(css);
  if (!root.adoptedStyleSheets.includes(style)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, style];
  /** A host's own words come first. @param {string} key */
  const word = (key) => {
    const said = words.say(key);
    return said === key ? (own[words.lang] ?? own.en)[key] : said;
  };
  const name = word("search");
  const search = el("input", { type: "search", part: "search", placeholder: name, "aria-label": name });
  const group = el("div", { role: "group", "aria-label": word("show") });
  const element = el("div", { class: "filters", part: "filters", hidden: "" }, group, search);
  let chosen = "all";
  let sought = "";
  const choices = ["all", "active", "past"].map((which) => {
    const count = el("span", { class: "count" });
    const button = el("button", { type: "button", part: "filter" }, word(which), count);
    button.addEventListener("click", () => {
      chosen = which;
      onChange();
    });
    group.append(button);
    return { which, button, count };
  });
  search.addEventListener("input", () => {
    sought = search.value.trim().toLowerCase();
    onChange();
  });
  before.before(element);

  return {
    element,
    /** Those wanted of all; says how many there are of each kind. @param {readonly Task[]} tasks @param {boolean} out nobody is signed in */
    filter(tasks, out) {
      /** @type {Record<string, number>} */
      const counts = { all: tasks.length, active: 0, past: 0 };
      for (const task of tasks) counts[hasEnded(task) ? "past" : "active"] += 1;
      for (const { which, button, count } of choices) {
        button.setAttribute("aria-pressed", String(which === chosen));
        say(count, words.format.number(counts[which]));
        show(count, true);
      }
      show(element, tasks.length > 0 && !out);
      return tasks.filter(
        (task) =>
          (chosen === "all" || (chosen === "past") === hasEnded(task)) &&
          (!sought || [task.title, task.type, task.message, task.id, ...task.tags].join("\n").toLowerCase().includes(sought)),
      );
    },
  };
}
