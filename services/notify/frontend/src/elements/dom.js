// Owns making and changing elements without touching what has not changed; must insert text as text only.

/**
 * An element with attributes and children; strings become text.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, string>} [attributes]
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/**
 * @template {Element} E
 * @param {E} element @param {Record<string, string|number>} attributes @param {(Node|string)[]} children
 */
function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** @param {Element} element @param {string} text shown as it is; an empty one hides the element */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
  show(element, text !== "");
}

/** @param {Element} element @param {boolean} visible */
export function show(element, visible) {
  if (element.hasAttribute("hidden") === visible) element.toggleAttribute("hidden", !visible);
}

/** @param {Element} element @param {string} name @param {string|null} value null takes it away */
export function attribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** @type {Record<string, CSSStyleSheet>} */
const sheets = {};

/** One for all that look so. @param {string} css */
export function sheet(css) {
  if (!sheets[css]) (sheets[css] = new CSSStyleSheet()).replaceSync(css);
  return sheets[css];
}

/** @param {string} name @param {Record<string, string|number>} attributes @param {...Node} children */
export const svg = (name, attributes, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

/** Strokes on a grid of 16. @type {Record<string, string>} */
const SHAPES = {
  running: "M5 3.5 10 8l-5 4.5",
  queued: "M8 4v4l2.5 2M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z",
  retrying: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3",
  succeeded: "m3 8.5 3.3 3.3L13 4.8",
  failed: "m4 4 8 8m0-8-8 8",
  worry: "M8 3.5v5.5M8 12.5v.01",
  cancelled: "M12.2 3.8 3.8 12.2M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z",
};

/** An icon that can be told to be another one. */
export function icon() {
  const path = svg("path", {});
  const element = svg("svg", { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true" }, path);
  /** @param {string} shape one of SHAPES */
  const set = (shape) => attribute(path, "d", SHAPES[shape] ?? SHAPES.queued);
  return { element, set };
}
