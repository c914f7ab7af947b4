// Owns the form by which operators say which tasks they mean, kept in the address; must ask for nothing.

import { el } from "../elements/dom.js";
import { routeTo } from "./route.js";

const STATUSES = ["scheduled", "queued", "running", "retrying", "succeeded", "failed", "cancelled"];
const TEXTS = /** @type {const} */ ([["type", "type"], ["tag", "tag"], ["queue", "queue"], ["owner", "owner"], ["error", "error"], ["build", "build"]]);
const HOUR = 3_600;

/** What is asked of the server for each choice of age. @type {Record<string, Record<string, number>>} */
const AGES = {
  lastHour: { younger_than_seconds: HOUR }, lastDay: { younger_than_seconds: 24 * HOUR },
  olderHour: { older_than_seconds: HOUR }, olderDay: { older_than_seconds: 24 * HOUR }, olderWeek: { older_than_seconds: 168 * HOUR },
};

/** The server's filter in what the address says. @param {Record<string, string>} query @returns {Record<string, string|number>} */
export function filterOf(query) {
  /** @type {Record<string, string|number>} */
  const filter = {};
  for (const name of ["status", ...TEXTS.map(([text]) => text)]) if (query[name]) filter[name] = query[name];
  return { ...filter, ...AGES[query.age] };
}

/** The filter in words. @param {Record<string, string>} query @param {import("../core/words.js").Words} words */
export function sayFilter(query, { say }) {
  const parts = [...TEXTS.filter(([name]) => query[name]).map(([name, key]) => `${say(key)}: ${query[name]}`)];
  if (query.status) parts.unshift(`${say("statusName")}: ${say(query.status)}`);
  if (AGES[query.age]) parts.push(`${say("age")}: ${say(query.age)}`);
  return parts.join(", ") || say("bulkEverything");
}

/** @param {import("../core/words.js").Words} words @param {Record<string, string>} query */
export function createSieve({ say }, query) {
  /** @param {string} name @param {string} key @param {HTMLElement} input */
  const field = (name, key, input) => {
    input.id = `sieve-${name}`;
    input.setAttribute("name", name);
    return el("div", { class: "field" }, el("label", { for: input.id }, say(key)), input);
  };
  /** @param {string[]} values @param {string} chosen */
  const choice = (values, chosen) => {
    const select = el("select", {}, el("option", { value: "" }, say("any")), ...values.map((value) => el("option", { value }, say(value))));
    select.value = values.includes(chosen) ? chosen : "";
    return select;
  };
  const form = el("form", { class: "sieve" },
    field("status", "statusName", choice(STATUSES, query.status)),
    ...TEXTS.map(([name, key]) => field(name, key, el("input", { value: query[name] ?? "", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: "255" }))),
    field("age", "age", choice(Object.keys(AGES), query.age)),
    el("div", { class: "buttons" }, el("button", { type: "submit", class: "primary" }, say("apply")), el("a", { href: "#tasks", class: "quiet" }, say("clear"))),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = /** @type {[string, string][]} */ ([...new FormData(form)]);
    location.hash = routeTo("tasks", Object.fromEntries(data.map(([name, value]) => [name, value.trim()])));
  });
  return form;
}
