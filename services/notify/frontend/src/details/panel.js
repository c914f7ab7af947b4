// Owns what a card shows when it is opened: why, curve, history, log, result, params; live while it is open.

import { sentence } from "../core/format.js";
import { createWords } from "../core/words.js";
import { hasEnded, isOpenEnded } from "../core/tasks.js";
import { el, sheet } from "../elements/dom.js";
import { drawChart } from "./chart.js";
import css from "./details.css";
import { readHistory } from "./history.js";
import { messages as korean } from "../milepost-ko.js";
import { further } from "./messages.js";

const PAUSE_MS = 1_000; // news of a task that reports ten times a second are fetched together
const LINES = 200; // log lines shown, the newest

/** @typedef {import("../core/types.js").Task} Task */
/** @typedef {import("./history.js").Event} Event */

/** @type {CSSStyleSheet|undefined} */
let style;

/**
 * Fills `into` with all there is about a task, and keeps it up to date until `close`.
 * @param {{task: Task, into: HTMLElement, client: Pick<import("../core/client.js").Client, "clock"|"get"|"request">, lang: string}} ports
 */
export async function openDetails({ task: first, into, client, lang }) {
  const words = createWords(lang, further.en, ...(/^ko/i.test(lang) ? [korean, further.ko] : []));
  const { say, format } = words;
  const full = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
  const exact = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const root = /** @type {ShadowRoot|Document} */ (into.getRootNode());
  style ??= sheet(css);
  if (!root.adoptedStyleSheets.includes(style)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, style];

  const path = `/api/notify/tasks/${encodeURIComponent(first.id)}`;
  let task = first;
  /** @type {Event[]} */
  let events = [];
  /** @type {string|null} */
  let after = null;
  /** @type {Record<string, any>} */
  let whole = {};
  let why = "";
  let closed = false;
  let timer = 0;
  let loading = false;
  let stale = false;

  const body = el("div", { class: "panel" });
  const trouble = el("p", { class: "error", role: "alert", hidden: "" });
  into.replaceChildren(trouble, body);
  body.append(el("p", { class: "facts" }, say("loadingDetails")));

  async function load() {
    if (loading) return void (stale = true);
    loading = true;
    stale = false;
    try {
      for (;;) {
        const answer = await client.request("GET", `${path}/events`, { query: { after, limit: 1000 } });
        if (answer.gap) events = [];
        events.push(...answer.events);
        after = answer.after;
        if (!answer.events.length || answer.events.length < 1000) break;
      }
      if (!whole.id || hasEnded(task)) whole = await client.get(first.id);
      why = hasEnded(task) || task.status === "running" ? "" : whyOf(await client.request("GET", `${path}/explain`));
      trouble.hidden = true;
      if (!closed) draw();
    } catch {
      trouble.textContent = say("trouble");
      trouble.hidden = false;
    } finally {
      loading = false;
      if (stale && !closed) later();
    }
  }

  function later() {
    timer ||= Number(setTimeout(() => ((timer = 0), void load()), PAUSE_MS));
  }

  /** @param {{reason: string, runs_at: string|null, words: string}} explained */
  function whyOf({ reason, runs_at, words: said }) {
    const key = `why.${reason}`;
    const found = say(key, { t: runs_at ? words.when(runs_at, client.clock.now()) : "" });
    return found === key ? said : found;
  }

  /** @param {Event} event */
  function sayEvent({ type, attempt, data }) {
    const message = data.error ? (data.error.code === "error" ? `${say("wrong")}${data.error.reference ? ` (${data.error.reference})` : ""}` : data.error.message) : "";
    const key = type === "task.returned" ? `${type}:${data.reason}` : type;
    const t = typeof data.runs_at === "number" ? words.when(new Date(data.runs_at).toISOString(), client.clock.now()) : "";
    const said = say(key, { n: attempt, m: message.replace(/[.]$/, ""), t });
    return said === key ? type.replace("task.", "").replaceAll("_", " ") : said;
  }

  function draw() {
    const { curves, turns, lines } = readHistory(events);
    const untilMs = hasEnded(task) ? 0 : client.clock.now();
    const points = curves.flatMap((curve) => curve.points);
    const [from, to] = [points[0], points[points.length - 1]];
    const label = from ? say("chart", { title: task.title, a: Math.floor(from[1]), b: Math.floor(to[1]), t: format.span(to[0] - from[0]) }) : "";
    const chart = isOpenEnded(task) ? null : drawChart(curves, { untilMs, width: Math.max(220, Math.min(body.clientWidth, 900)), label, time: exact.format });
    const parts = [];
    if (why) parts.push(el("p", { class: "why" }, sentence(why)));
    if (chart) parts.push(section("over", chart));
    parts.push(
      section("history", el("ol", { class: "timeline" }, ...turns.map((event) => el("li", { "data-event": event.type }, when(event), el("span", {}, sayEvent(event), ...traceOf(event)))))),
    );
    if (lines.length) {
      const untold = lines.length - LINES;
      parts.push(
        section("log",
          ...(untold > 0 ? [el("p", { class: "facts" }, say("lines", { n: untold }))] : []),
          el("ol", { class: "log", tabindex: "0", "aria-label": say("log") }, ...lines.slice(-LINES).map((event) => el("li", {}, when(event), el("span", {}, String(event.data.text ?? ""))))),
        ),
      );
    }
    if (whole.result !== null && whole.result !== undefined && typeof whole.result === "object") parts.push(section("result", json(whole.result)));
    if (whole.params && Object.keys(whole.params).length) parts.push(section("params", json(whole.params)));
    parts.push(section("facts", facts()));
    const log = body.querySelector(".log");
    const down = !log || log.scrollTop + log.clientHeight > log.scrollHeight - 8;
    const [hadFocus, top] = [log !== null && root.activeElement === log, log?.scrollTop ?? 0];
    body.replaceChildren(...parts);
    const next = /** @type {HTMLElement|null} */ (body.querySelector(".log"));
    if (next) next.scrollTop = down ? next.scrollHeight : top;
    if (hadFocus) next?.focus({ preventScroll: true });
  }

  /** The exception, which only operators and backends are given. @param {Event} event */
  const traceOf = ({ data }) => (data.detail ? [el("pre", { tabindex: "0" }, String(data.detail))] : []);

  /** @param {Event} event */
  function when(event) {
    const ms = Date.parse(event.at);
    return el("time", { datetime: event.at, title: full.format(ms) }, exact.format(ms));
  }

  /** @param {string} key @param {...Node} children */
  const section = (key, ...children) => el("section", {}, el("h3", {}, say(key)), ...children);

  /** @param {unknown} value */
  const json = (value) => el("pre", { tabindex: "0" }, JSON.stringify(value, null, 2));

  function facts() {
    const { id, type, tags, created_at, started_at, ended_at, retry_of } = task;
    /** @type {[string, string|null][]} */
    const pairs = [["type", type], ["queue", whole.queue ?? null], ["tags", tags.join(", ") || null], ["created", created_at && full.format(Date.parse(created_at))],
      ["began", started_at && full.format(Date.parse(started_at))], ["endedAt", ended_at && full.format(Date.parse(ended_at))], ["again", retry_of], ["id", id]];
    const said = pairs.filter((pair) => pair[1]);
    return el("dl", { class: "table" }, ...said.map(([name, value]) => el("div", {}, el("dt", {}, say(name)), el("dd", {}, value ?? ""))));
  }

  let width = 0;
  const resized = new ResizeObserver(() => {
    if (width && width !== body.clientWidth && events.length) draw();
    width = body.clientWidth;
  });
  resized.observe(body);
  void load();
  return {
    /** @param {Task} next */
    update(next) {
      if (next === task) return;
      task = next;
      later();
    },
    close() {
      closed = true;
      clearTimeout(timer);
      resized.disconnect();
    },
  };
}
