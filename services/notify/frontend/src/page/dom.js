// Owns access to what stands in index.html; must make no element.

/**
 * The element of the page with that id.
 * @param {string} id
 * @returns {any} the element; every id asked for stands in index.html
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}
