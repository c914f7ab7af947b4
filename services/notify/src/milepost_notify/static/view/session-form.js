// Owns the one form by which somebody signs up or in; must not keep the password anywhere.

import { ApiError, fieldErrors } from "../core/problem.js";
import { problemWords } from "../core/words.js";
import { byId } from "./dom.js";
import { createFields } from "./fields.js";

const MIN_PASSWORD = 12;

/**
 * @param {{session: ReturnType<typeof import("../core/session.js").createSession>,
 *   onUser: (user: import("../core/session.js").User) => void}} ports
 */
export function createSessionForm({ session, onUser }) {
  /** @type {HTMLFormElement} */
  const form = byId("session");
  const fields = createFields(form);

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
      for (const { field, msg } of fieldErrors(error)) wrong[field] ??= msg;
      if (fields.refuse(wrong)) return;
    }
    if (error.status === 409 && fields.refuse({ username: "This username is taken. Choose another one." })) return;
    if (error.status === 401) {
      fields.tell("The username or the password is wrong.");
      form.password.select();
    } else if (error.status === 403 && up && error.slug !== "origin") {
      fields.tell("Sign-up is closed on this server. Ask whoever runs it for an account.");
    } else {
      fields.tell(problemWords(error));
    }
  }

  return {
    focus: () => form.username.focus(),
    clear() {
      form.reset();
      fields.clear();
    },
  };
}

/**
 * @param {{username: string, password: string}} credentials
 * @param {boolean} up a new password has to be long, an old one is what it is
 */
function wrongBeforeSending({ username, password }, up) {
  /** @type {Record<string, string>} */
  const wrong = {};
  if (!username) wrong.username = "Enter a username.";
  if (!password) wrong.password = "Enter a password.";
  else if (up && [...password].length < MIN_PASSWORD) {
    wrong.password = `A password has at least ${MIN_PASSWORD} characters.`;
  }
  return wrong;
}
