// Owns the form that sends a mail; must send what was typed, once, however often the answer is lost.

import { addressesIn, recipientsProblem } from "../core/mail.js";
import { number } from "../core/format.js";
import { ApiError, fieldErrors } from "../core/problem.js";
import { problemWords, refusalWords } from "../core/words.js";
import { byId, say } from "./dom.js";
import { createFields } from "./fields.js";

/** What a refused field is called in a sentence. @type {Record<string, string>} */
const NAMES = { to: "The list of addresses", subject: "The subject", body: "The text" };

/** @param {{client: () => import("../core/client.js").Client|null}} ports */
export function createMailForm({ client }) {
  /** @type {HTMLFormElement} */
  const form = byId("mail");
  const fields = createFields(form);
  const count = byId("to-count");
  /** The last order whose end is not known: typed the same again, it is the same task. */
  let order = { id: "", text: "" };

  function tellCount() {
    const { length } = addressesIn(form.to.value);
    say(count, length > 1 ? `${number(length)} recipients` : "");
  }

  form.to.addEventListener("input", tellCount);
  form.addEventListener("input", () => fields.tell(""));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const at = client();
    if (!at || fields.isBusy) return;
    fields.clear();
    const params = { to: addressesIn(form.to.value), subject: form.subject.value, body: form.body.value };
    const wrong = recipientsProblem(params.to);
    if (wrong) return void fields.refuse({ to: wrong });
    const text = JSON.stringify(params);
    if (order.text !== text) order = { id: at.newId(), text };
    fields.busy(true);
    fields.tell("Handing it over…", "note");
    try {
      await at.submit({ id: order.id, type: "mail.send", title: titleOf(params.subject), params });
      order = { id: "", text: "" };
      clear();
      fields.tell("Accepted. Its bar is in the list now.", "note");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      explain(error, params.to);
    } finally {
      fields.busy(false);
    }
  });

  /** @param {ApiError} error @param {string[]} to */
  function explain(error, to) {
    /** @type {Record<string, string>} */
    const wrong = {};
    const rest = [];
    for (const { field, index, msg } of fieldErrors(error, ["params"])) {
      const name = field === "to" && index !== null && to[index] ? `“${to[index]}”` : NAMES[field];
      const words = refusalWords(msg, name ?? "This");
      if (["to", "subject", "body"].includes(field)) wrong[field] ??= words;
      else rest.push(words);
    }
    fields.tell("");
    if (fields.refuse(wrong) && !rest.length) return;
    const lost = error.lost ? " You can press the button again: it will not go out twice." : "";
    fields.tell((rest.join(" ") || problemWords(error)) + lost);
  }

  function clear() {
    form.reset();
    fields.clear();
    tellCount();
  }

  return { clear, focus: () => form.to.focus() };
}

/** @param {string} subject what tells one mail from another in the list */
function titleOf(subject) {
  const text = subject.replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, " ").trim();
  return text ? [...`Mail: ${text}`].slice(0, 200).join("") : "Mail without a subject";
}
