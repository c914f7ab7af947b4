// Owns what the address behind the # says: which view, of what; must draw nothing.

const VIEWS = ["now", "tasks", "task", "failures", "aside"];

/** @typedef {{view: string, query: Record<string, string>}} Route */

/** @param {string} hash @returns {Route} */
export function readRoute(hash) {
  const [view, search = ""] = hash.replace(/^#/, "").split("?");
  return { view: VIEWS.includes(view) ? view : "now", query: Object.fromEntries(new URLSearchParams(search)) };
}

/** @param {string} view @param {Record<string, string>} [query] empty ones are left out */
export function routeTo(view, query = {}) {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  return `#${view}${search.size ? `?${search}` : ""}`;
}
