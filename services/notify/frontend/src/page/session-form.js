// Owns the one form by which somebody signs up or in; must not keep the password anywhere.

import { ApiError } from "milepost";
import { capital, sentence } from "../core/format.js";
import { fieldErrors } from "../core/problem.js";
import { byId } from "./dom.js";
import { createFields } from "./fields.js";

const MIN_PASSWORD = 12;

/**
 * @param {{session: ReturnType<typeof import("./session.js").createSession>,
 *   words: () => import("../core/words.js").Words, onUser: (user: import("./session.js").User) => void}} ports
 */
export function createSessionForm({ session, words, onUser }) {
  /** @type {HTMLFormElement} */
  const form = byId("session");
  const fields = createFields(form, byId("session-message"));
  /** @param {string} key @param {Record<string, number>} [values] */
  const tell = (key, values) => words().say(key, values);
  form.addEventListener("input", (event) => fields.mark(/** @type {HTMLElement} */ (event.target), ""));

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (fields.isBusy) return;
    const up = /** @type {HTMLButtonElement|null} */ (event.submitter)?.value === "up";
    const credentials = { username: form.username.value, password: form.password.value };
    fields.clear();
    if (fields.refuse(wrongBeforeSending(credentials, up))) return;
    fields.busy(true);
    try {
      if (up) await session.signUp(credentials);
      const user = await session.signIn(credentials);
      form.reset();
      onUser(user);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      explain(error, up);
    } finally {
      fields.busy(false);
    }
  });

  /** @param {ApiError} error @param {boolean} up */
  function explain(error, up) {
    if (error.status === 422) {
      /** @type {Record<string, string>} */
      const wrong = {};
      for (const { field, msg } of fieldErrors(error)) wrong[field] ??= sentence(capital(msg));
      if (fields.refuse(wrong)) return;
    }
    if (error.status === 409 && fields.refuse({ username: tell("taken") })) return;
    if (error.status === 401) {
      fields.tell(tell("wrongPassword"));
      form.password.select();
    } else if (error.status === 403 && up && !error.problem.type?.endsWith(":origin")) {
      fields.tell(tell("signUpClosed"));
    } else {
      fields.tell(words().problem(error));
    }
  }

  /**
   * @param {{username: string, password: string}} credentials
   * @param {boolean} up a new password has to be long, an old one is what it is
   */
  function wrongBeforeSending({ username, password }, up) {
    /** @type {Record<string, string>} */
    const wrong = {};
    if (!username) wrong.username = tell("enterUsername");
    if (!password) wrong.password = tell("enterPassword");
    else if (up && [...password].length < MIN_PASSWORD) wrong.password = tell("shortPassword", { n: MIN_PASSWORD });
    return wrong;
  }

  return {
    focus: () => form.username.focus(),
    clear() {
      form.reset();
      fields.clear();
    },
  };
}
