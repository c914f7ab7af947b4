// Owns which form is shown: one of each type that may be started, mail first; must not know any field.

import { el, show } from "../elements/dom.js";
import { byId } from "./dom.js";
import { createTaskForm } from "./task-form.js";

/** @typedef {import("./task-form.js").TaskType} TaskType */

const FIRST = "mail.send";

/** @param {{client: () => import("../core/client.js").Client|null, words: () => import("../core/words.js").Words}} ports */
export function createCompose({ client, words }) {
  const box = byId("forms");
  const picker = byId("kind");
  /** @type {TaskType[]} */
  let types = [];
  /** @type {ReturnType<typeof createTaskForm>|null} */
  let form = null;

  function draw() {
    const type = types.find(({ name }) => name === picker.value) ?? types[0];
    form = type ? createTaskForm(type, { client, words: words() }) : null;
    byId("kind-about").textContent = type && type.name !== FIRST ? type.description : "";
    box.replaceChildren(...(form ? [form.element] : []));
    show(byId("caught-line"), type?.name === FIRST);
    show(byId("no-types"), !type);
  }

  picker.addEventListener("change", draw);
  return {
    /** Asks which types there are; a worker that came later has brought others. */
    async load() {
      const found = /** @type {TaskType[]} */ (await client()?.request("GET", "/api/submit/task-types"));
      if (!found) return;
      const order = (/** @type {TaskType} */ type) => (type.name === FIRST ? 0 : type.name.startsWith("demo.") ? 2 : 1);
      const sorted = found.sort((a, b) => order(a) - order(b) || a.title.localeCompare(b.title));
      const same = JSON.stringify(sorted) === JSON.stringify(types);
      types = sorted;
      if (!same || !form) this.rename();
    },
    /** In the words of now; what was typed goes. */
    rename() {
      const chosen = picker.value;
      picker.replaceChildren(...types.map(({ name, title }) => el("option", { value: name }, name === FIRST ? words().say(FIRST) : title || name)));
      picker.value = types.some(({ name }) => name === chosen) ? chosen : (types[0]?.name ?? "");
      show(byId("kind-field"), types.length > 1);
      draw();
    },
    clear() {
      form?.clear();
    },
    focus: () => form?.focus(),
  };
}
