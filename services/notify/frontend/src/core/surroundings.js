// Owns what the browser says of itself: seen or hidden, on the network or not; must work where there is no browser.

/** @typedef {{visible: boolean, online: boolean}} Surroundings */

/**
 * @param {(now: Surroundings, what: "visible"|"online") => void} onChange called at once where anything is amiss, then on changes
 * @returns {() => void} ends it
 */
export function watchSurroundings(onChange) {
  const { document, navigator } = globalThis;
  /** @returns {Surroundings} */
  const look = () => ({ visible: document?.visibilityState !== "hidden", online: navigator?.onLine !== false });
  const seen = () => onChange(look(), "visible");
  const net = () => onChange(look(), "online");
  document?.addEventListener("visibilitychange", seen);
  /** @param {PageTransitionEvent} event */
  const back = (event) => event.persisted && net(); // from the back-forward cache: messages were missed
  const pairs = /** @type {[string, any][]} */ ([["online", net], ["offline", net], ["pageshow", back]]);
  for (const [name, on] of pairs) globalThis.addEventListener?.(name, on);
  const now = look();
  if (!now.visible) seen();
  if (!now.online) net();
  return () => {
    document?.removeEventListener("visibilitychange", seen);
    for (const [name, on] of pairs) globalThis.removeEventListener?.(name, on);
  };
}
