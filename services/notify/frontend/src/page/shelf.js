// Owns a dialog with a heading and a way out, opened by a button of the page; must not know what is in it.

import { el } from "../elements/dom.js";
import { byId } from "./dom.js";

/**
 * @param {string} opener id of the button
 * @param {{words: () => import("../core/words.js").Words, title: string, fill: (body: HTMLElement) => void|Promise<void>}} options
 *   `title`: key of the heading; `fill`: called at each opening with an empty body
 */
export function createShelf(opener, { words, title, fill }) {
  byId(opener).addEventListener("click", () => {
    byId("settings").hidePopover();
    const heading = el("h2", { id: `${opener}-heading` }, words().say(title));
    const close = el("button", { type: "button" }, words().say("closeIt"));
    const body = el("div", { class: "shelf" });
    const dialog = el("dialog", { "aria-labelledby": heading.id }, el("div", { class: "shelf" }, el("div", { class: "shelf-top" }, heading, close), body));
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      const button = byId(opener);
      (button.checkVisibility() ? button : document.querySelector(".gear"))?.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
    void fill(body);
  });
}
