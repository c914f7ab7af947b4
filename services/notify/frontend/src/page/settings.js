// Owns language and theme of the page: what the person chose, else what browser and system say; kept on this device.

import { configure, createWords } from "milepost";
import { speak } from "../core/words.js";
import { messages as korean } from "../milepost-ko.js";
import { byId } from "./dom.js";

/** A browser may refuse storage altogether. @param {string} key @param {string|null} [value] */
function keep(key, value) {
  try {
    if (value === undefined) return localStorage.getItem(`milepost.${key}`);
    if (value) localStorage.setItem(`milepost.${key}`, value);
    else localStorage.removeItem(`milepost.${key}`);
  } catch {
    // Then it is for this visit alone.
  }
  return null;
}

/**
 * @param {() => void} onWords the words have changed
 * @param {Record<string, Record<string, string>>} further what the page itself says, by language
 */
export function createSettings(onWords, further) {
  const lang = byId("language");
  const theme = byId("theme");
  let words = load(keep("lang"));

  /** @param {string|null} chosen */
  function load(chosen) {
    const spoken = speak([chosen, ...navigator.languages]);
    document.documentElement.lang = spoken;
    configure({ lang: spoken });
    return createWords(spoken, further.en, ...(/^ko/i.test(spoken) ? [korean, further.ko] : []));
  }

  /** Puts the page's own words in their places. */
  function translate() {
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-say]"))) element.textContent = words.say(element.dataset.say ?? "");
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-name]"))) element.setAttribute("aria-label", words.say(element.dataset.name ?? ""));
    lang.value = words.lang;
  }

  theme.value = keep("theme") ?? "";
  theme.addEventListener("change", () => {
    keep("theme", theme.value);
    document.documentElement.dataset.theme = theme.value;
  });
  lang.addEventListener("change", () => {
    keep("lang", lang.value);
    words = load(lang.value);
    translate();
    onWords();
  });
  translate();
  return { words: () => words, keep };
}
