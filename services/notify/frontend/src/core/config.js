// Owns what an application has configured, for every copy of this module in a page; must connect to nothing.

/**
 * @typedef {object} Options
 * @property {string} [url] where Milepost is; default: where this module came from
 * @property {(() => string|null|Promise<string|null>)|null} [getToken] a bearer token, asked for again when it
 *   expires; null means signed out. Without it the session cookie is used.
 * @property {string} [lang] a BCP 47 tag; default: the page's `lang`, then the browser's
 * @property {Record<string, string>} [messages] words that replace ours, by their key
 */

/** @typedef {{options: Options, listeners: Set<(changed: string[]) => void>}} Shared */

const KEY = Symbol.for("milepost.config.1");
const everywhere = /** @type {Record<symbol, Shared>} */ (/** @type {unknown} */ (globalThis));

/** One for `/milepost.js` and `/milepost-core.js` together. @type {Shared} */
const shared = (everywhere[KEY] ??= { options: {}, listeners: new Set() });

/** Sets or changes options; those left out stay. Elements in the page follow at once. @param {Options} options */
export function configure(options) {
  shared.options = { ...shared.options, ...options };
  for (const listener of [...shared.listeners]) listener(Object.keys(options));
}

export const configured = () => shared.options;

/** @param {(changed: string[]) => void} listener @returns {() => void} ends it */
export function onConfigured(listener) {
  shared.listeners.add(listener);
  return () => void shared.listeners.delete(listener);
}

/** The folder of this module, without the last slash: where its API is. Empty on a server or from a file. */
export const home = /^https?:/.test(import.meta.url) ? new URL(".", import.meta.url).href.slice(0, -1) : "";
