// Owns the one client and the words that all elements of a page share; must draw nothing.

import { createClient } from "../core/client.js";
import { configured, onConfigured } from "../core/config.js";
import { outcomes } from "../core/outcomes.js";
import { createWords, speak } from "../core/words.js";

const GRACE_MS = 3_000; // elements that are moved leave the page for a moment

/** @type {import("../core/client.js").Client|null} */
let client = null;
/** @type {import("../core/words.js").Words|null} */
let words = null;
/** @type {Set<{rebind: () => void}>} */
const users = new Set();
let leaving = 0;
let ready = false;
let understood = false;
/** @type {Promise<void>|null} */
let spoken = null;

/** The client that the elements of this page use, made when first asked for. */
export const sharedClient = () => (client ??= createClient());

/** In the language of the page; English until another one is here. */
export const sharedWords = () => (words ??= createWords("en", configured().messages));

/** Until all of the page's own modules have run: one of them may `configure`. */
async function parsed() {
  const timing = /** @type {PerformanceNavigationTiming|undefined} */ (performance.getEntriesByType("navigation")[0]);
  if (document.readyState === "complete" || timing?.domContentLoadedEventStart) return;
  await new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve));
}

/** Tells all elements when the words of now are here. */
async function speakNow() {
  await parsed();
  const { lang, messages } = configured();
  const spoken = speak([lang, document.documentElement.lang, ...navigator.languages]);
  /** @type {Record<string, string>} */
  let other = {};
  try {
    if (/^ko/i.test(spoken)) ({ messages: other } = await import("../milepost-ko.js"));
  } catch {
    // The network is away: English is better than nothing.
  }
  words = createWords(spoken, other, messages);
  ready = true;
  for (const user of [...users]) user.rebind();
}

/** Has results of our own types read as they are meant. @param {readonly import("../core/types.js").Task[]} tasks */
export async function understand(tasks) {
  if (understood || !tasks.some((task) => /^(mail\.send|report\.export)$/.test(task.type))) return;
  understood = true;
  Object.assign(outcomes, (await import("../milepost-results.js")).readers);
  for (const user of [...users]) user.rebind();
}

function end() {
  client?.close();
  client = null;
}

onConfigured((changed) => {
  if (changed.includes("url") || changed.includes("getToken")) end();
  spoken = speakNow();
});

/**
 * Follows the shared client through every `configure`.
 * @param {{draw: () => void, reword: () => void}} element `reword`: everything drawn may be in other words, of another owner
 * @returns {() => void} ends it
 */
export function follow({ draw, reword }) {
  let stop = () => {};
  const user = {
    rebind() {
      stop();
      reword();
      stop = sharedClient().subscribe(draw);
      draw();
    },
  };
  clearTimeout(leaving);
  users.add(user);
  if (ready) user.rebind();
  else spoken ??= speakNow();
  return () => {
    stop();
    users.delete(user);
    clearTimeout(leaving);
    if (!users.size) leaving = Number(setTimeout(() => users.size || end(), GRACE_MS));
  };
}
