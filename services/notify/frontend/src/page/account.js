// Owns what somebody does about his own account: another password, and where he is signed in; keeps no password.

import { ApiError } from "milepost";
import { capital, sentence } from "../core/format.js";
import { fieldErrors } from "../core/problem.js";
import { el, say as put } from "../elements/dom.js";
import { createFields } from "./fields.js";
import { createShelf } from "./shelf.js";

const MIN_PASSWORD = 12;

/** @typedef {{id: string, created_at: string, last_used_at: string, current: boolean}} Session */

/** @param {{api: import("../core/api.js").Api, words: () => import("../core/words.js").Words, onEnded: () => void}} ports */
export function createAccount({ api, words, onEnded }) {
  const say = (/** @type {string} */ key, /** @type {Record<string, number>} */ values = {}) => words().say(key, values);

  function passwordForm() {
    /** @param {string} name @param {string} complete */
    const field = (name, complete) => {
      const input = el("input", { id: `password-${name}`, name, type: "password", autocomplete: complete, "aria-describedby": `password-${name}-error` });
      return el("div", { class: "field" }, el("label", { for: input.id }, say(`${name}Password`)), input, el("p", { class: "problem", id: `password-${name}-error`, hidden: "" }));
    };
    const message = el("p", { class: "message", role: "alert", hidden: "" });
    const form = el("form", { class: "task-form", novalidate: "" }, el("h3", {}, say("passwordTitle")), field("current", "current-password"), field("new", "new-password"), message, el("div", { class: "buttons" }, el("button", { type: "submit", class: "primary" }, say("passwordChange"))));
    const fields = createFields(form, message);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (fields.isBusy) return;
      const data = new FormData(form);
      const [current, next] = [String(data.get("current")), String(data.get("new"))];
      fields.clear();
      /** @type {Record<string, string>} */
      const wrong = {};
      if (!current) wrong.current = say("enterPassword");
      if ([...next].length < MIN_PASSWORD) wrong.new = say("shortPassword", { n: MIN_PASSWORD });
      if (fields.refuse(wrong)) return;
      fields.busy(true);
      try {
        await api("PUT", "/api/submit/password", { body: { current, new: next } });
        form.reset();
        fields.tell(say("passwordChanged"), "note");
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const told = Object.fromEntries(fieldErrors(error).map(({ field: name, msg }) => [name, sentence(capital(msg))]));
        if (error.problem.type?.endsWith(":wrong-password")) told.current = say("passwordWrong");
        if (!fields.refuse(told)) fields.tell(words().problem(error));
      } finally {
        fields.busy(false);
      }
    });
    return form;
  }

  /** @param {HTMLElement} list @param {HTMLElement} trouble */
  async function sessions(list, trouble) {
    try {
      const found = /** @type {{sessions: Session[]}} */ (await api("GET", "/api/submit/sessions"));
      const now = Date.now();
      list.replaceChildren(
        ...found.sessions.map(({ id, created_at: made, last_used_at: used, current }) => {
          const about = el("div", {}, el("strong", {}, say(current ? "sessionHere" : "sessionOther")), el("span", { class: "hint" }, words().say("sessionSince", { t: words().when(made, now), u: words().when(used, now) })));
          const end = el("button", { type: "button" }, say(current ? "signOut" : "sessionEnd"));
          end.addEventListener("click", () => void act(`/api/submit/sessions/${encodeURIComponent(id)}`, current, list, trouble));
          return el("li", {}, about, end);
        }),
      );
      put(trouble, "");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      put(trouble, words().problem(error));
    }
  }

  /** @param {string} path what to end @param {boolean} own @param {HTMLElement} list @param {HTMLElement} trouble */
  async function act(path, own, list, trouble) {
    try {
      await api("DELETE", path);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status !== 404) return put(trouble, words().problem(error)); // 404: it has ended
    }
    if (!own) return void (await sessions(list, trouble));
    list.closest("dialog")?.close();
    onEnded();
  }

  createShelf("open-account", {
    words, title: "accountTitle",
    async fill(body) {
      const list = el("ul", { class: "rows", role: "list" });
      const trouble = el("p", { class: "problem", role: "alert", hidden: "" });
      const all = el("button", { type: "button" }, say("sessionsEnd"));
      all.addEventListener("click", () => void act("/api/submit/sessions", true, list, trouble));
      body.append(passwordForm(), el("h3", {}, say("sessionsTitle")), list, trouble, el("div", { class: "buttons" }, all));
      await sessions(list, trouble);
    },
  });
}
