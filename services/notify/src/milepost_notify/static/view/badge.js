// Owns how many ended tasks are unread, in the page and in the tab's title; must not count anything itself.

import { number } from "../core/format.js";
import { byId, say, show } from "./dom.js";

/** @param {{markRead: () => Promise<unknown>}} actions */
export function createBadge({ markRead }) {
  const badge = byId("unread");
  const button = byId("mark-read");
  const title = document.title;

  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      await markRead();
    } catch {
      // Still unread, as the badge goes on saying; the connection's state is shown elsewhere.
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });

  return {
    /** @param {number} unread */
    update(unread) {
      say(badge, unread ? `${number(unread)} unread` : "");
      if (!unread && document.activeElement === button) byId("tasks-heading").focus();
      show(button, unread > 0);
      const wanted = unread ? `(${unread}) ${title}` : title;
      if (document.title !== wanted) document.title = wanted;
    },
  };
}
