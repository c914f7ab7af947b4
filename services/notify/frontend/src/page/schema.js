// Owns the pure reading of a JSON Schema (2020-12) as fields of a form, and of what was typed as params; no DOM, no I/O.

import { spaced } from "../core/format.js";

/**
 * @typedef {"text"|"long"|"number"|"integer"|"boolean"|"choice"|"list"|"addresses"|"json"|"group"} Kind
 *
 * @typedef {object} Field
 * @property {string} name in the params
 * @property {readonly string[]} path from the params down, ending in `name`
 * @property {Kind} kind
 * @property {string} label
 * @property {string} hint
 * @property {string} input the `type` of an input, for kind text
 * @property {boolean} required
 * @property {any} fallback the schema's default; undefined when it has none
 * @property {any} rule the schema of the value itself
 * @property {readonly any[]} choices
 * @property {readonly Field[]} fields of a group
 *
 * @typedef {{key: string, values: Record<string, string|number>}} Problem
 */

const ADDRESS = /^[^\s@<>()[\]"\\,;:]+@[^\s@<>()[\]"\\,;:.]+(\.[^\s@<>()[\]"\\,;:.]+)*$/;
/** @type {Record<string, string>} */
const INPUTS = { email: "email", "idn-email": "email", uri: "url", url: "url", date: "date", time: "time", "date-time": "datetime-local", password: "password" };
const LONG = 1_000;

/** What a schema that refers elsewhere means, without the choice of null. @param {any} schema @param {any} root @returns {any} */
function resolve(schema, root) {
  let rule = schema ?? {};
  for (let depth = 0; depth < 8; depth += 1) {
    const { $ref, anyOf, oneOf, allOf, ...own } = rule;
    const some = (anyOf ?? oneOf ?? []).filter((/** @type {any} */ each) => each.type !== "null");
    let inner;
    if (typeof $ref === "string") inner = $ref.replace(/^#\/?/, "").split("/").filter(Boolean).reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], root);
    else if (some.length === 1) [inner] = some;
    else if (allOf?.length === 1) [inner] = allOf;
    if (!inner) return rule;
    rule = { ...inner, ...own };
  }
  return rule;
}

/** @param {any} rule @param {any} root @returns {Kind} */
function kindOf(rule, root) {
  const type = Array.isArray(rule.type) ? rule.type.filter((/** @type {string} */ each) => each !== "null")[0] : rule.type;
  if (Array.isArray(rule.enum)) return "choice";
  if (type === "string") return (rule.maxLength ?? 0) > LONG || rule.contentMediaType ? "long" : "text";
  if (type === "integer" || type === "number" || type === "boolean") return type;
  if (type === "object" && rule.properties && !rule.additionalProperties) return "group";
  if (type === "array") {
    const items = resolve(rule.items, root);
    if (items.type === "string" && !items.enum) return /email$/.test(items.format ?? "") ? "addresses" : "list";
  }
  return "json";
}

/** @param {any} schema of an object @param {any} [root] @param {readonly string[]} [under] @returns {Field[]} */
export function fieldsOf(schema, root = schema, under = []) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, given]) => {
    const rule = resolve(given, root);
    const kind = kindOf(rule, root);
    const path = [...under, name];
    return {
      name,
      path,
      kind,
      label: /** @type {any} */ (given).title ?? (rule.title && kind !== "group" ? rule.title : spaced(name)),
      hint: rule.description ?? "",
      input: INPUTS[rule.format] ?? "text",
      required: required.has(name),
      fallback: /** @type {any} */ (given).default ?? rule.default,
      rule: rule.items ? { ...rule, items: resolve(rule.items, root) } : rule,
      choices: rule.enum ?? [],
      fields: kind === "group" && under.length < 3 ? fieldsOf(rule, root, path) : [],
    };
  });
}

/** The addresses in a text, in its order: separated by comma, semicolon, white space or newline. @param {string} text */
export const addressesIn = (text) => text.split(/[\s,;]+/).filter(Boolean);

/** The addresses in a text that are none. @param {readonly string[]} addresses */
export const noAddresses = (addresses) => addresses.filter((address) => !ADDRESS.test(address));

/**
 * What was typed as a value; undefined when it is left out. Stricter than submit, which has the last word, in one
 * thing: a required list that was left empty is a slip rather than a wish.
 * @param {Field} field
 * @param {string|boolean} typed
 * @param {string} name what it is called in a sentence
 * @returns {{value?: any, problem?: Problem}}
 */
export function read(field, typed, name) {
  const { kind, rule, required } = field;
  const wrong = (/** @type {string} */ key, values = {}) => ({ problem: { key, values: { name, ...values } } });
  if (typeof typed === "boolean") return { value: typed };
  const text = kind === "text" || kind === "long" ? typed : typed.trim();
  if (kind === "addresses") return readAddresses(addressesIn(text), rule, name, required);
  if (text === "") {
    // An empty text is a text, where one is asked for and may be empty.
    if (required && (kind === "text" || kind === "long") && !rule.minLength && !rule.format) return { value: "" };
    return required ? wrong("missing") : {};
  }
  switch (kind) {
    case "number":
    case "integer": {
      const value = Number(text);
      if (!Number.isFinite(value)) return wrong("noNumber");
      if (kind === "integer" && !Number.isInteger(value)) return wrong("noWhole");
      if (value < (rule.minimum ?? -Infinity) || value <= (rule.exclusiveMinimum ?? -Infinity)) return wrong("tooSmall", { n: rule.minimum ?? rule.exclusiveMinimum });
      if (value > (rule.maximum ?? Infinity) || value >= (rule.exclusiveMaximum ?? Infinity)) return wrong("tooLarge2", { n: rule.maximum ?? rule.exclusiveMaximum });
      return { value };
    }
    case "choice":
      return { value: field.choices[Number(text)] };
    case "list": {
      const value = text.split("\n").map((line) => line.trim()).filter(Boolean);
      if (value.length > (rule.maxItems ?? Infinity)) return wrong("tooMuch", { n: rule.maxItems });
      if (value.length < (rule.minItems ?? 0)) return wrong("tooFew", { n: rule.minItems });
      return { value };
    }
    case "json":
    case "group":
      try {
        return { value: JSON.parse(text) };
      } catch {
        return wrong("noJson");
      }
    default: {
      const length = [...text].length;
      if (length > (rule.maxLength ?? Infinity)) return wrong("tooLong", { n: rule.maxLength });
      if (length < (rule.minLength ?? 0)) return wrong("tooShort", { n: rule.minLength });
      if (rule.format === "date-time" && !Number.isNaN(Date.parse(text))) return { value: new Date(text).toISOString() };
      return { value: text };
    }
  }
}

/** @param {string[]} value @param {any} rule @param {string} name @param {boolean} required @returns {{value?: string[], problem?: Problem}} */
function readAddresses(value, rule, name, required) {
  const problem = (/** @type {string} */ key, /** @type {Record<string, string|number>} */ values = {}) => ({ problem: { key, values: { name, ...values } } });
  if (!value.length) return required || rule.minItems ? problem("noneYet") : {};
  if (value.length > (rule.maxItems ?? Infinity)) return problem("tooMuch", { n: rule.maxItems });
  const bad = noAddresses(value);
  if (bad.length === 1) return problem("noAddress", { s: bad[0] });
  if (bad.length) return problem("noAddresses", { s: `${bad.slice(0, 3).map((each) => `“${each}”`).join(", ")}${bad.length > 3 ? ` +${bad.length - 3}` : ""}` });
  return { value };
}

/** What a validator says, and what a person reads of it. @type {[RegExp, string][]} */
const REFUSALS = [
  [/is not an? "(?:idn-)?email"$/, "noAddress"],
  [/is not an? "[\w-]+"$/, "badFormat"],
  [/does not match "\^\[\^\\s@\]/, "noAddress"],
  [/is longer than (\d+) characters?$/, "tooLong"],
  [/is shorter than (\d+) characters?$/, "tooShort"],
  [/has more than (\d+) items?$/, "tooMuch"],
  [/has less than (\d+) items?$/, "tooFew"],
  [/has non-unique elements$/, "twice"],
  [/is less than the minimum of (\S+)$/, "tooSmall"],
  [/is greater than the maximum of (\S+)$/, "tooLarge2"],
  [/is not of type .*$/s, "badKind"],
  [/does not match .*$/s, "badShape"],
  [/is a required property$/, "missing"],
];

/**
 * The message of one refused field for people; null when it is one we do not know.
 * @param {string} msg
 * @param {string} name
 * @param {string} shown the refused part itself
 * @returns {Problem|null}
 */
export function refusal(msg, name, shown) {
  for (const [said, key] of REFUSALS) {
    const found = said.exec(msg);
    if (found) return { key, values: { name, s: shown, ...(found[1] ? { n: Number(found[1]) } : {}) } };
  }
  return null;
}
