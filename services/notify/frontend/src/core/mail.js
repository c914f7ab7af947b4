// Owns how the sending of a mail went, from its result, purely; must not draw.

const NAMED = 3; // refused addresses that are named at once

/**
 * What was refused, and by whom. Null when a result does not say.
 * @param {import("./types.js").Task} task
 * @param {{say: (key: string, values?: Record<string, string|number>) => string, plain: (value: unknown) => string}} words
 * @returns {{sent: number, refused: number, words: string, rest: string[]}|null} `rest`: those that `words` leaves out
 */
export function mailOutcome({ type, status, result }, { say, plain }) {
  if (type !== "mail.send" || status !== "succeeded" || result === null || typeof result !== "object") return null;
  const { sent, refused, refused_count: refusedCount } = /** @type {Record<string, any>} */ (result);
  if (typeof sent !== "number" || !Array.isArray(refused)) return null;
  const count = typeof refusedCount === "number" ? refusedCount : refused.length;
  const p = sent ? say("people", { n: sent }) : say("nobody");
  if (!count) return { sent, refused: 0, words: say("sent", { p }), rest: [] };
  const named = refused.map((each) => (each?.reason ? `${each.address} (${each.reason})` : plain(each?.address ?? each)));
  const untold = count - named.length;
  const rest = [...named.slice(NAMED), ...(untold > 0 ? [say("others", { n: untold })] : [])];
  const lead = say("refused", { p, q: say("people", { n: count }) });
  return { sent, refused: count, words: `${lead}\n${named.slice(0, NAMED).join("\n")}${rest.length ? "\n…" : ""}`, rest };
}
