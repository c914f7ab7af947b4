// Owns <milepost-badge>: how many ended tasks are unread; must not count anything itself.

import { el, say, sheet } from "./dom.js";
import { follow, sharedClient, sharedWords } from "./shared.js";

const CSS = `:host{display:inline-flex}[hidden]{display:none}span{padding:.0625rem .625rem;border-radius:1rem;
background:var(--milepost-badge,#f2b21b);color:var(--milepost-on-badge,#1d2730);font-size:.875em;font-weight:650;white-space:nowrap}`;

/** "3 unread", or nothing. The event `milepost:unread` tells each change, `detail.unread`. */
export class MilepostBadge extends HTMLElement {
  #root = this.attachShadow({ mode: "open" });
  #text = el("span", { part: "badge", hidden: "" });
  #last = -1;
  #stop = () => {};

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet(CSS)];
    this.#root.append(this.#text);
  }

  connectedCallback() {
    this.#stop = follow({ draw: () => this.#draw(), reword: () => (this.#last = -1) });
  }

  disconnectedCallback() {
    this.#stop();
  }

  #draw() {
    const { unread } = sharedClient().getSnapshot();
    if (unread === this.#last) return;
    this.#last = unread;
    say(this.#text, unread ? sharedWords().say("unread", { n: unread }) : "");
    this.dispatchEvent(new CustomEvent("milepost:unread", { bubbles: true, composed: true, detail: { unread } }));
  }
}
