// Owns the wiring of the operators' page: a token opens it, the address says which view; must know no view's content.

import { createApi } from "../core/api.js";
import { createClock } from "../core/clock.js";
import { say, show } from "../elements/dom.js";
import { byId } from "../page/dom.js";
import { createSettings } from "../page/settings.js";
import { createAccess } from "./access.js";
import { createAside } from "./aside.js";
import { createFailures } from "./failures.js";
import { further } from "./messages.js";
import { createNow } from "./now.js";
import { createPolling } from "./polling.js";
import { readRoute } from "./route.js";
import { createTask } from "./task.js";
import { createTasks } from "./tasks.js";

/** @typedef {"entry"|"refused"|"open"} Stage */
/** @typedef {import("./parts.js").View} View */

const EVERY_MS = 5_000;
/** @type {Record<string, (element: HTMLElement, ports: import("./parts.js").Ports) => View>} */
const MAKERS = { now: createNow, tasks: createTasks, task: createTask, failures: createFailures, aside: createAside };
/** Where a view stands: an opened task takes the place of the list. @type {Record<string, string>} */
const PLACES = { task: "tasks" };

const clock = createClock();
const settings = createSettings(() => open(), further);
const { words } = settings;
const access = createAccess({ now: clock.now, words, onToken: enter });
const api = createApi({ clock, credentials: access.credentials });
const polling = createPolling({
  everyMs: EVERY_MS,
  onAnswer: () => ((heardAt = clock.now()), away("")),
  onTrouble: (error) => {
    if (error.status === 401) return leave(words().say("badToken"));
    if (error.status === 403) return stage("refused");
    away(words().say(error.lost ? "awayServer" : "awayAsked", { m: words().problem(error) }));
  },
  onOffline: () => away(words().say("awayOffline")),
});
/** @type {View|null} */
let view = null;
let shown = "";
let heardAt = 0;

/** @param {string} text none: all is well */
function away(text) {
  const from = text && heardAt ? words().say("awayFrom", { t: words().format.time(heardAt) }) : "";
  say(byId("away"), text && `${text} ${from}`.trim());
}

/** @param {Stage} now */
function stage(now) {
  document.body.dataset.stage = now;
  show(byId("starting"), false);
  show(byId("entry"), now === "entry");
  show(byId("refused"), now === "refused");
  for (const id of ["views", "leave"]) show(byId(id), now === "open");
  if (now === "open") return;
  polling.follow(null);
  away("");
  for (const place of document.querySelectorAll(".view")) show(place, false);
  view?.close?.();
  view = null;
}

/** Shows what the address says, made anew in the words of now. */
function open() {
  if (document.body.dataset.stage !== "open") return;
  const { view: name, query } = readRoute(location.hash);
  const place = PLACES[name] ?? name;
  for (const link of document.querySelectorAll(".views a")) {
    if (link.getAttribute("href") === `#${place}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const each of document.querySelectorAll(".view")) show(each, each.id === `view-${place}`);
  const element = byId(`view-${place}`);
  view?.close?.();
  element.replaceChildren();
  element.setAttribute("aria-labelledby", `${name}-heading`);
  const made = MAKERS[name](element, { api, words: words(), clock, again: polling.again });
  view = made;
  made.show(query);
  polling.follow(made.ask);
  if (shown && shown !== location.hash) byId(`${name}-heading`).focus(); // somebody went there: say where he is
  shown = location.hash || "#now";
}

function enter() {
  heardAt = 0;
  shown = "";
  stage("open");
  open();
}

/** @param {string} [why] */
function leave(why) {
  access.forget();
  stage("entry");
  access.ask(why);
}

window.addEventListener("hashchange", open);
byId("leave").addEventListener("click", () => leave());
byId("other-token").addEventListener("click", () => leave());
if (access.has()) enter();
else stage("entry");
