// Owns <milepost-progress task="…">: one bar of one task; must show nothing for a task that is not its reader's.

import { toTask } from "../core/tasks.js";
import { createBar } from "./bar.js";
import { el, say, sheet, show } from "./dom.js";
import { follow, sharedClient, sharedWords } from "./shared.js";
import css from "./tasks.css";

/** Attribute `task`: its id. The label is the task's title and how far it is. */
export class MilepostProgress extends HTMLElement {
  static observedAttributes = ["task"];

  #root = this.attachShadow({ mode: "open" });
  #title = el("span", { class: "title", part: "title", id: "title" });
  #far = el("span", { class: "status", part: "status" });
  #bar = createBar({ "aria-labelledby": "title" });
  #box = el("div", { class: "one task", hidden: "" }, el("div", { class: "head" }, this.#title, this.#far), this.#bar.element);
  #asked = "";
  /** @type {import("../core/types.js").Task|null} */
  #fetched = null;
  #stop = () => {};

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet(css)];
    this.#root.append(this.#box);
  }

  connectedCallback() {
    this.#stop = follow({ draw: () => this.#draw(), reword: () => (this.#asked = "") });
  }

  disconnectedCallback() {
    this.#stop();
  }

  attributeChangedCallback() {
    this.#fetched = null;
    if (this.isConnected) this.#draw();
  }

  #draw() {
    const id = this.getAttribute("task") ?? "";
    const client = sharedClient();
    const { tasks, complete } = client.getSnapshot();
    const followed = tasks.find((task) => task.id === id);
    if (!followed && complete && id && this.#asked !== id) {
      this.#asked = id; // put away, perhaps: it has no notifications any more
      client.get(id).then((task) => ((this.#fetched = toTask(task)), this.#draw()), () => {});
    }
    const task = followed ?? this.#fetched;
    show(this.#box, Boolean(task));
    if (!task) return;
    const words = sharedWords();
    this.#box.setAttribute("data-status", task.status);
    say(this.#title, task.title);
    say(this.#far, `${words.status(task)} · ${words.percent(task)}`);
    this.#bar.update(task, words);
  }
}
