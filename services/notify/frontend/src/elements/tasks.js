// Owns <milepost-tasks>: the list of an owner's tasks with its states; must hold no rule about tasks.

import { hasEnded } from "../core/tasks.js";
import { createAnnouncer } from "./announcer.js";
import { el, say, sheet, show } from "./dom.js";
import { createList } from "./list.js";
import { follow, sharedClient, sharedWords, understand } from "./shared.js";
import css from "./tasks.css";

const TICK_MS = 1_000; // what only the clock changes: quiet, time left
const ASK_MS = 5_000; // what only the queue changes, of the first few that wait
const ASKED = 5;
const LIMIT = 50;

/** @typedef {import("../core/types.js").Task} Task */

/**
 * The tasks of whoever is signed in, live. Attributes: `tag`, `type` (those alone), `limit` (cards shown at
 * first, default 50), `filters` (show active or ended ones, search). Slots: `empty`; `task`, a `<template>`
 * whose copy stands in each card, where `data-field="title"` is filled with that field of the task.
 */
export class MilepostTasks extends HTMLElement {
  static observedAttributes = ["tag", "type", "limit", "filters"];

  #root = this.attachShadow({ mode: "open" });
  #announcer = createAnnouncer();
  #empty = el("div", { class: "empty", part: "empty", hidden: "" });
  #ghosts = el("ul", { class: "ghosts", hidden: "" }, el("li"), el("li"), el("li"));
  #signedOut = el("p", { class: "notice", part: "signed-out", hidden: "" });
  #noMatch = el("p", { class: "notice", hidden: "" });
  #ol = el("ol", { class: "list", part: "list", role: "list", tabindex: "-1" });
  #more = el("button", { type: "button", class: "more", part: "button more", hidden: "" });
  #line = el("p", { class: "connection", part: "connection", role: "status", hidden: "" });
  /** @type {import("./filters.js").Filters|null} */
  #filters = null;
  #list;
  #stop = () => {};
  #frame = 0;
  #ticks = 0;
  #asks = 0;
  #limit = LIMIT;
  /** @type {Map<string, Task>|null} */
  #seen = null;
  /** @type {import("../core/client.js").Client|null} */
  #client = null;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet(css)];
    this.#empty.append(el("slot", { name: "empty" }));
    this.#root.append(this.#line, this.#announcer.element, this.#signedOut, this.#ghosts, this.#empty, this.#noMatch, this.#ol, this.#more);
    const client = sharedClient;
    this.#list = createList(
      this.#ol,
      {
        client,
        cancel: (id) => client().cancel(id),
        retry: (id) => client().retry(id),
        dismiss: (id) => client().dismiss(id),
        async open(task, into) {
          const { openDetails } = await import("../milepost-details.js");
          return openDetails({ task, into, client: client(), lang: sharedWords().format.lang });
        },
        onError: (task, error) => this.#tell("error", { task, error }),
        extra: () => {
          const template = this.querySelector(':scope > template[slot="task"]');
          return template instanceof HTMLTemplateElement ? document.importNode(template.content, true) : null;
        },
      },
      () => this.#ol.focus(),
    );
    this.#more.addEventListener("click", () => {
      const next = this.#ol.lastElementChild;
      this.#limit += this.#step();
      this.#draw();
      if (next?.nextElementSibling instanceof HTMLElement) next.nextElementSibling.focus();
    });
  }

  connectedCallback() {
    this.#limit = this.#step();
    this.#stop = follow({ draw: () => this.#news(), reword: () => this.#reword() });
    this.#ticks = Number(setInterval(() => document.visibilityState === "visible" && this.#later(), TICK_MS));
    this.#asks = Number(setInterval(() => this.#ask(), ASK_MS));
  }

  disconnectedCallback() {
    this.#stop();
    clearInterval(this.#ticks);
    clearInterval(this.#asks);
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#list.clear();
    this.#announcer.clear();
    this.#seen = null;
  }

  attributeChangedCallback() {
    this.#limit = this.#step();
    if (this.isConnected) this.#reword();
  }

  #step() {
    return Math.max(1, Number(this.getAttribute("limit")) || LIMIT);
  }

  /** Everything in the words of now. */
  #reword() {
    const words = sharedWords();
    this.setAttribute("lang", words.format.lang);
    this.#list.clear();
    const slot = this.#empty.firstElementChild;
    slot?.replaceChildren(el("h2", {}, words.say("emptyTitle")), el("p", {}, words.say("emptyText")));
    this.#ghosts.setAttribute("aria-label", words.say("loading"));
    this.#ol.setAttribute("aria-label", words.say("tasks"));
    void this.#filter();
    this.#later();
  }

  /** Filters in the words of now, where they are wanted. */
  async #filter() {
    this.#root.querySelector(".filters")?.remove();
    this.#filters = null;
    if (!this.hasAttribute("filters")) return;
    const { createFilters } = await import("../milepost-filters.js");
    if (this.#filters) return;
    const onChange = () => {
      this.#limit = this.#step();
      this.#draw();
    };
    this.#filters = createFilters({ root: this.#root, before: this.#announcer.element, words: sharedWords(), onChange });
    this.#later();
  }

  /** The tasks this element is about. */
  #mine() {
    const [tag, type] = [this.getAttribute("tag"), this.getAttribute("type")];
    const { tasks } = sharedClient().getSnapshot();
    return tag || type ? tasks.filter((task) => (!tag || task.tags.includes(tag)) && (!type || task.type === type)) : tasks;
  }

  /** At once, also where nobody looks: events for the page. */
  #news() {
    const client = sharedClient();
    const { complete, phase } = client.getSnapshot();
    if (client !== this.#client) {
      this.#client = client; // of somebody else, perhaps: nothing of it is news
      this.#announcer.clear();
      this.#seen = null;
    }
    const before = this.#seen;
    const mine = this.#mine();
    void understand(mine).catch(() => {});
    if (phase === "ready" && (complete || before)) {
      this.#seen = new Map(mine.map((task) => [task.id, task]));
      for (const task of before ? mine : []) this.#compare(before?.get(task.id), task);
    }
    this.#later();
  }

  /** @param {Task|undefined} was @param {Task} task */
  #compare(was, task) {
    if (was === task || task.local) return;
    if (!was || was.progress !== task.progress || was.status !== task.status || was.message !== task.message) this.#tell("progress", { task });
    if (!hasEnded(task) || (was && hasEnded(was))) return;
    this.#tell("ended", { task });
    if (task.status === "failed") this.#tell("error", { task, error: task.error });
  }

  /** @param {string} name @param {object} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(`milepost:${name}`, { bubbles: true, composed: true, detail }));
  }

  /** Draws before the next frame, once however often it is asked. */
  #later() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    if (!this.isConnected) return;
    const client = sharedClient();
    const words = sharedWords();
    const { phase, connection, trouble, heard_at: heardAt, complete } = client.getSnapshot();
    // Without news time stands still: what only the clock changes would be a guess.
    const nowMs = (connection === "online" ? null : heardAt) ?? client.clock.now();
    const mine = this.#mine();
    const out = phase === "signed-out";
    const found = this.#filters?.filter(mine, out) ?? mine;
    const shown = out ? [] : found.slice(0, this.#limit);
    if (!this.#list.update(shown, nowMs, words, new Set(mine.map((task) => task.retry_of)))) this.#later();
    this.#announcer.update(mine, complete, words);

    this.toggleAttribute("data-away", connection !== "online");
    const refused = trouble && trouble.status >= 400 && trouble.status < 500; // no outage: say why
    const lines = [words.say(connection), refused ? words.problem(trouble) : "", heardAt ? words.say("from", { t: words.format.time(heardAt) }) : ""];
    say(this.#line, connection === "online" || out ? "" : lines.filter(Boolean).join(" "));
    say(this.#signedOut, out ? words.say("signedOut") : "");
    show(this.#ghosts, phase === "loading");
    show(this.#empty, phase === "ready" && complete && !mine.length);
    say(this.#noMatch, phase === "ready" && mine.length && !found.length ? words.say("noMatch") : "");
    show(this.#ol, shown.length > 0);
    const rest = out ? 0 : found.length - shown.length;
    say(this.#more, rest > 0 ? words.say("showMore", { n: Math.min(rest, this.#step()) }) : "");
  }

  /** Asks what no event tells of the first few tasks that wait or are quiet: their place, and whether their worker lives. */
  #ask() {
    const { connection, phase } = sharedClient().getSnapshot();
    if (document.visibilityState !== "visible" || connection !== "online" || phase !== "ready") return;
    const client = sharedClient();
    const now = client.clock.now();
    const unsure = (/** @type {Task} */ task) =>
      !task.local && (task.status === "queued" || (task.status === "running" && now - Date.parse(task.progress_at ?? "") > ASK_MS));
    for (const task of this.#mine().filter(unsure).slice(0, ASKED)) void client.refresh(task.id).catch(() => {});
  }
}
