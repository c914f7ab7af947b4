// Owns what a person may type as recipients, purely; must not be stricter than submit, which has the last word.

const MOST = 10_000;
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
