// Owns the operator's token: asked for in a form, kept in memory, in this tab's storage if that is wanted; puts it nowhere else.

import { createCredentials } from "../core/credentials.js";
import { createFields } from "../page/fields.js";
import { byId } from "../page/dom.js";

const KEY = "milepost.operator";

/** A browser may refuse storage altogether. @param {string|null} [value] */
function stored(value) {
  try {
    if (value === undefined) return sessionStorage.getItem(KEY);
    if (value) sessionStorage.setItem(KEY, value);
    else sessionStorage.removeItem(KEY);
  } catch {
    // Then it is kept until the next reload.
  }
  return null;
}

/** @param {{now: () => number, words: () => import("../core/words.js").Words, onToken: () => void}} ports */
export function createAccess({ now, words, onToken }) {
  let token = stored() ?? "";
  const form = byId("access");
  const fields = createFields(form, byId("access-message"));
  const credentials = createCredentials(() => token || null, now);

  form.addEventListener("input", () => fields.clear());
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    const typed = form.token.value.trim();
    fields.clear();
    // What a header cannot carry is no token, and fetch would throw over it.
    if (!/^[\x21-\x7e]+$/.test(typed)) return void fields.refuse({ token: words().say(typed ? "noToken" : "enterToken") });
    token = typed;
    stored(form.keep.checked ? token : null);
    form.reset();
    onToken();
  });

  return {
    credentials,
    has: () => token !== "",
    forget() {
      token = "";
      credentials.renew(); // they keep what they were given: the next operator would act under this one's name
      stored(null);
    },
    /** @param {string} text why it did not open; none: nothing was tried */
    ask(text = "") {
      if (text) fields.tell(text);
      else fields.clear();
      form.token.focus();
    },
  };
}
