// Owns what a mail's recipients are, as typed and as sent, purely; must not be stricter than submit, which has the last word.

import { number, plain } from "./format.js";

const MOST = 10_000;
const NAMED = 3; // refused addresses that are named at once
const ADDRESS = /^[^\s@<>()[\]"\\,;:]+@[^\s@<>()[\]"\\,;:.]+(\.[^\s@<>()[\]"\\,;:.]+)*$/;

/**
 * The addresses in a text, in its order: separated by comma, semicolon, white space or newline.
 * @param {string} text
 */
export const addressesIn = (text) => text.split(/[\s,;]+/).filter(Boolean);

/**
 * What is wrong with the recipients, in words; null when nothing is.
 * @param {string[]} addresses
 */
export function recipientsProblem(addresses) {
  if (!addresses.length) return "Enter at least one address.";
  if (addresses.length > MOST) return `At most ${MOST.toLocaleString("en")} addresses; these are ${addresses.length.toLocaleString("en")}.`;
  const wrong = addresses.filter((address) => !ADDRESS.test(address));
  if (!wrong.length) return null;
  const named = wrong.slice(0, 3).map((address) => `“${address}”`).join(", ");
  const more = wrong.length > 3 ? ` and ${wrong.length - 3} more` : "";
  return wrong.length === 1 ? `${named} is not an address.` : `${named}${more} are not addresses.`;
}

/**
 * How the sending of a mail went: what was refused, and by whom. Null when a result does not say.
 * @param {import("./types.js").Task} task
 * @returns {{sent: number, refused: number, words: string, rest: string[]}|null} `rest`: those that `words` leaves out
 */
export function mailOutcome({ type, status, result }) {
  if (type !== "mail.send" || status !== "succeeded" || result === null || typeof result !== "object") return null;
  const { sent, refused, refused_count: refusedCount } = /** @type {Record<string, any>} */ (result);
  if (typeof sent !== "number" || !Array.isArray(refused)) return null;
  const count = typeof refusedCount === "number" ? refusedCount : refused.length;
  if (!count) return { sent, refused: 0, words: `Sent to ${people(sent)}.`, rest: [] };
  const named = refused.map((each) => (each?.reason ? `${each.address} (${each.reason})` : plain(each?.address ?? each)));
  const untold = count - named.length;
  const rest = [...named.slice(NAMED), ...(untold > 0 ? [`${number(untold)} more`] : [])];
  const more = rest.length ? "\n…" : "";
  const words = `Sent to ${sent ? people(sent) : "nobody"}, refused for ${people(count)}:\n${named.slice(0, NAMED).join("\n")}${more}`;
  return { sent, refused: count, words, rest };
}

/** @param {number} count */
const people = (count) => `${number(count)} ${count === 1 ? "address" : "addresses"}`;
