// Owns the form that starts a task, made from its type's JSON Schema; must send what was typed, once, however often the answer is lost.

import { ApiError } from "milepost";
import { fieldErrors } from "../core/problem.js";
import { attribute, el, say, show } from "../elements/dom.js";
import { createFields } from "./fields.js";
import { addressesIn, fieldsOf, noAddresses, read, refusal } from "./schema.js";

/** @typedef {{name: string, title: string, description: string, params_schema: any}} TaskType */
/** @typedef {import("./schema.js").Field} Field */

/**
 * @param {TaskType} type
 * @param {{client: () => import("../core/client.js").Client|null, words: import("../core/words.js").Words}} ports
 */
export function createTaskForm(type, { client, words }) {
  const { say: tell } = words;
  const isMail = type.name === "mail.send";
  const prefix = type.name.split(".")[0].replace(/[^\w-]/g, "");
  const button = el("button", { type: "submit", class: "primary" }, tell(isMail ? "send" : "start"));
  const message = el("p", { class: "message", id: `${prefix}-message`, role: "status", hidden: "" });
  const form = el("form", { id: prefix, class: "task-form", novalidate: "" });
  /** @type {{field: Field, input: HTMLInputElement|HTMLTextAreaElement|HTMLSelectElement, name: string, group: HTMLFieldSetElement|null}[]} */
  const inputs = [];
  const schema = type.params_schema ?? {};
  for (const field of fieldsOf(schema)) form.append(draw(field, null));
  form.append(el("div", { class: "buttons" }, button, message));
  const fields = createFields(form, message);
  /** The last order whose end is not known: typed the same again, it is the same task. */
  let order = { id: "", text: "" };

  /** A name in our words, else in the schema's. @param {Field} field */
  function labelOf(field) {
    const key = `${type.name}.${field.path.join(".")}`;
    const ours = tell(key);
    return ours === key ? field.label : ours;
  }

  /** @param {Field} field @param {HTMLFieldSetElement|null} group @returns {HTMLElement} */
  function draw(field, group) {
    const name = labelOf(field);
    if (field.kind === "group" && field.fields.length) {
      const box = el("fieldset", {}, el("legend", {}, name, ...(field.required ? [] : [" ", optional()])));
      for (const inner of field.fields) box.append(draw(inner, field.required ? group : box));
      return box;
    }
    const id = `${prefix}-${field.path.join("-")}`;
    const input = inputFor(field);
    const hint = { addresses: tell("addressesHint"), list: tell("linesHint"), json: tell("jsonHint") }[/** @type {string} */ (field.kind)] ?? "";
    const known = isMail ? "" : field.hint;
    const note = [known, hint].filter(Boolean).join(" ");
    const parts = [];
    for (const [key, value] of Object.entries({ id, name: field.path.join("."), autocomplete: "off" })) input.setAttribute(key, value);
    const label = el("label", { for: id }, name, ...(field.required || field.kind === "boolean" ? [] : [" ", optional()]));
    const count = el("span", { id: `${id}-count`, hidden: "" });
    if (note) parts.push(el("p", { class: "hint", id: `${id}-hint` }, note, " ", count));
    parts.push(el("p", { class: "problem", id: `${id}-error`, hidden: "" }));
    input.setAttribute("aria-describedby", [...(note ? [`${id}-hint`] : []), `${id}-error`].join(" "));
    if (field.required) input.setAttribute("aria-required", "true");
    inputs.push({ field, input, name, group });
    input.addEventListener("input", () => typed(field, input, name, count));
    input.addEventListener("change", () => check(field, input, name));
    if (field.kind === "boolean") return el("div", { class: "field check" }, input, label, ...parts);
    return el("div", { class: "field" }, label, input, ...parts);
  }

  function optional() {
    return el("span", { class: "optional" }, `(${tell("optional")})`);
  }

  /** @param {Field} field @returns {HTMLInputElement|HTMLTextAreaElement|HTMLSelectElement} */
  function inputFor({ kind, rule, input: type, fallback, choices, required }) {
    if (kind === "boolean") {
      const box = el("input", { type: "checkbox" });
      box.defaultChecked = box.checked = fallback === true;
      return box;
    }
    if (kind === "choice") {
      const none = fallback === undefined || fallback === null || !required;
      const select = el("select", {}, ...(none ? [el("option", { value: "" }, required ? tell("choose") : "–")] : []));
      choices.forEach((choice, index) => {
        const option = el("option", { value: String(index) }, String(choice));
        if (choice === fallback) option.setAttribute("selected", "");
        select.append(option);
      });
      return select;
    }
    const text = fallback === undefined || fallback === null ? "" : typeof fallback === "object" ? JSON.stringify(fallback) : String(fallback);
    if (kind === "long" || kind === "list" || kind === "addresses" || kind === "json" || kind === "group") {
      const area = el("textarea", { rows: kind === "long" ? "5" : "2", class: kind, spellcheck: String(kind === "long"), autocapitalize: kind === "long" ? "sentences" : "none" });
      area.defaultValue = text;
      return area;
    }
    const number = kind === "number" || kind === "integer";
    const made = el("input", { type: number || type === "email" ? "text" : type });
    if (number) made.inputMode = rule.minimum >= 0 ? (kind === "integer" ? "numeric" : "decimal") : "text";
    made.defaultValue = text;
    return made;
  }

  /** @param {HTMLInputElement|HTMLTextAreaElement|HTMLSelectElement} input */
  const valueOf = (input) => (input instanceof HTMLInputElement && input.type === "checkbox" ? input.checked : input.value);

  /** Says what is wrong, or no longer is. @param {Field} field @param {any} input @param {string} name */
  function check(field, input, name) {
    const value = valueOf(input);
    const { problem } = value === "" ? {} : read(field, value, name);
    fields.mark(input, problem ? tell(problem.key, problem.values) : "");
  }

  /** While somebody types: counts, and checks what is complete. @param {Field} field @param {any} input @param {string} name @param {HTMLElement} count */
  function typed(field, input, name, count) {
    fields.tell("");
    if (field.kind === "addresses") {
      const whole = addressesIn(/[\s,;]$/.test(input.value) ? input.value : input.value.replace(/[^\s,;]+$/, ""));
      const all = addressesIn(input.value);
      say(count, all.length > 1 ? tell("recipients", { n: all.length }) : "");
      const wrong = noAddresses(whole);
      const problem = wrong.length ? read(field, whole.join(" "), name).problem : undefined;
      fields.mark(input, problem ? tell(problem.key, problem.values) : "");
    } else if (input.getAttribute("aria-invalid")) check(field, input, name);
    else if (field.rule.maxLength) {
      const { problem } = read(field, input.value, name);
      if (problem?.key === "tooLong") fields.mark(input, tell(problem.key, problem.values));
    }
  }

  /** What the form says: params, or what is wrong with which field. */
  function collect() {
    /** @type {Record<string, any>} */
    const params = {};
    /** @type {Record<string, string>} */
    const wrong = {};
    for (const { field, input, name, group } of inputs) {
      const untouched = group !== null && inputs.every((each) => each.group !== group || valueOf(each.input) === startOf(each.input));
      if (untouched) continue; // an optional group is left out as a whole
      const { value, problem } = read(field, valueOf(input), name);
      if (problem) wrong[input.name] = tell(problem.key, problem.values);
      else if (value !== undefined) {
        let at = params;
        for (const key of field.path.slice(0, -1)) at = at[key] ??= {};
        at[field.name] = value;
      }
    }
    return { params, wrong };
  }

  /** @param {any} input */
  const startOf = (input) => (input.type === "checkbox" ? input.defaultChecked : (input.defaultValue ?? [...input.options].find((option) => option.defaultSelected)?.value ?? input.options[0]?.value));

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const at = client();
    if (!at || fields.isBusy) return;
    fields.clear();
    const { params, wrong } = collect();
    if (fields.refuse(wrong)) return;
    const text = JSON.stringify(params);
    if (order.text !== text) order = { id: at.newId(), text };
    fields.busy(true);
    fields.tell(tell("sending"), "note");
    try {
      const title = isMail ? titleOf(params.subject) : undefined;
      await at.submit({ id: order.id, type: type.name, params, ...(title ? { title } : {}) });
      order = { id: "", text: "" };
      clear();
      fields.tell(tell("accepted"), "note");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      explain(error, params);
    } finally {
      fields.busy(false);
    }
  });

  /** @param {ApiError} error @param {Record<string, any>} params */
  function explain(error, params) {
    /** @type {Record<string, string>} */
    const wrong = {};
    const rest = [];
    for (const { field, index, msg } of fieldErrors(error, ["params"])) {
      const known = inputs.find(({ input }) => input.name === field || input.name.startsWith(`${field}.`));
      const item = index === null ? undefined : params[field]?.[index];
      const found = refusal(msg, known?.name ?? field, String(item ?? params[field] ?? ""));
      const said = found ? tell(found.key, found.values) : msg;
      if (known) wrong[known.input.name] ??= said;
      else rest.push(said);
    }
    fields.tell("");
    if (fields.refuse(wrong) && !rest.length) return;
    fields.tell([rest.join(" ") || words.problem(error), error.lost ? tell("onceOnly") : ""].filter(Boolean).join(" "));
  }

  /** @param {string} subject what tells one mail from another in the list */
  function titleOf(subject) {
    const text = subject.replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, " ").trim();
    return text ? [...tell("mailTitle", { s: text })].slice(0, 200).join("") : tell("mailUntitled");
  }

  function clear() {
    form.reset();
    fields.clear();
    for (const count of form.querySelectorAll("[id$=-count]")) show(count, false);
  }

  attribute(form, "aria-label", isMail ? tell("mail.send") : type.title || type.name);
  return { element: form, clear, focus: () => inputs[0]?.input.focus() };
}
