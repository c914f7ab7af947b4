// Owns how an export is told, and fetching it with the client's own credentials; must keep nothing of it.

import { ApiError } from "../core/problem.js";

/** @type {Record<string, Record<string, string>>} */
const MESSAGES = {
  en: { told: "{n} task|{n} tasks. The link is yours alone, until {t}.", save: "Download {f}" },
  ko: { told: "작업 {n}개. 링크는 본인만 열 수 있으며 {t}까지 유효합니다.", save: "{f} 내려받기" },
};

/** Null when a result does not say. @type {import("../core/outcomes.js").Reader} */
export function exportOutcome({ status, result }, words) {
  if (status !== "succeeded" || result === null || typeof result !== "object") return null;
  const { url, format, tasks, expires_at: expires } = /** @type {Record<string, any>} */ (result);
  if (typeof url !== "string" || !url.startsWith("/") || typeof tasks !== "number") return null;
  const messages = MESSAGES[words.lang] ?? MESSAGES.en;
  return {
    status: null,
    words: words.fill(messages.told, { n: tasks, t: words.format.day(Date.parse(expires)) }),
    rest: null,
    link: (client) => link(client, url, `milepost-tasks.${format}`, words.fill(messages.save, { f: String(format).toUpperCase() }), words),
  };
}

/**
 * Fetched rather than followed: a page elsewhere has a token and no cookie, and a refusal is to be said in words.
 * @param {import("../core/client.js").Client} client @param {string} path @param {string} name @param {string} text
 * @param {import("../core/words.js").Words} words
 */
function link(client, path, name, text, words) {
  const element = document.createElement("a");
  element.href = client.url + path;
  element.textContent = text;
  element.addEventListener("click", async (event) => {
    event.preventDefault();
    try {
      const answer = await client.request("GET", path, { stream: true });
      const saved = URL.createObjectURL(await answer.blob());
      Object.assign(document.createElement("a"), { href: saved, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(saved), 60_000); // the browser has begun by then
    } catch (error) {
      // By its looks: the client's module has a class of its own.
      const known = error instanceof Object && "status" in error;
      element.textContent = words.problem(known ? /** @type {ApiError} */ (error) : new ApiError(0));
    }
  });
  return element;
}
