// Owns how the sending of a mail went, from its result, purely; must not draw.

const NAMED = 3; // refused addresses that are named at once

/** @type {Record<string, Record<string, string>>} */
const MESSAGES = {
  en: {
    some: "Sent to some", not: "Not sent", people: "{n} address|{n} addresses", nobody: "nobody", sent: "Sent to {p}.",
    refused: "Sent to {p}, refused for {q}:", too: "Refused as well", others: "{n} more",
  },
  ko: {
    some: "일부만 보냄", not: "보내지 못함", people: "{n}명", nobody: "0명", sent: "{p}에게 보냈습니다.",
    refused: "{p}에게 보냄, {q} 거부:", too: "그 밖의 거부", others: "외 {n}개",
  },
};

/** What was refused, and by whom. Null when a result does not say. @type {import("../core/outcomes.js").Reader} */
export function mailOutcome({ status, result }, { fill, plain, lang }) {
  if (status !== "succeeded" || result === null || typeof result !== "object") return null;
  const messages = MESSAGES[lang] ?? MESSAGES.en;
  const say = (/** @type {string} */ key, values = {}) => fill(messages[key], values);
  const { sent, refused, refused_count: refusedCount } = /** @type {Record<string, any>} */ (result);
  if (typeof sent !== "number" || !Array.isArray(refused)) return null;
  const count = typeof refusedCount === "number" ? refusedCount : refused.length;
  const p = sent ? say("people", { n: sent }) : say("nobody");
  if (!count) return { status: null, words: say("sent", { p }), rest: null };
  const named = refused.map((each) => (each?.reason ? `${each.address} (${each.reason})` : plain(each?.address ?? each)));
  const untold = count - named.length;
  const rest = [...named.slice(NAMED), ...(untold > 0 ? [say("others", { n: untold })] : [])];
  const lead = say("refused", { p, q: say("people", { n: count }) });
  return {
    status: say(sent ? "some" : "not"),
    words: `${lead}\n${named.slice(0, NAMED).join("\n")}${rest.length ? "\n…" : ""}`,
    rest: rest.length ? [say("too"), rest.join("\n")] : null,
  };
}
