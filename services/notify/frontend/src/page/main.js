// Owns the wiring of the page: who is signed in decides what it is made of; must hold no logic of tasks.

import { ApiError, configure, sharedClient } from "milepost";
import { backoffMs } from "../core/repeat.js";
import { el, say, show } from "../elements/dom.js";
import { createCompletion } from "./completion.js";
import { createCompose } from "./compose.js";
import { byId } from "./dom.js";
import { further } from "./messages.js";
import { createAccount } from "./account.js";
import { createClosed } from "./closed.js";
import { createFolding } from "./folding.js";
import { createSession } from "./session.js";
import { createSessionForm } from "./session-form.js";
import { createSettings } from "./settings.js";

/** @typedef {import("./session.js").User} User */
/** @typedef {"starting"|"unreachable"|"signed-out"|"signed-in"} Stage */

const tabs = new BroadcastChannel("milepost-session"); // the cookie is every tab's: so is signing in and out
const title = document.title;
let owner = "";
let inside = false;
let failures = 0;
let retry = 0;
let stopFollowing = () => {};

const settings = createSettings(() => compose.rename(), further);
const { words } = settings;
const completion = createCompletion(settings);
const session = createSession((...request) => sharedClient().request(...request));
const compose = createCompose({ client: () => (inside ? sharedClient() : null), words });
const sessionForm = createSessionForm({
  session,
  words,
  onUser(user) {
    void enter(user).then(() => (folding.focus(), compose.focus()));
    tabs.postMessage("changed");
  },
});

const folding = createFolding();
createAccount({ api: (...request) => sharedClient().request(...request), words, onEnded: () => void look() });
createClosed({ client: sharedClient, words });

/** @param {Stage} now @param {string} [username] */
function stage(now, username = "") {
  document.body.dataset.stage = now;
  show(byId("starting"), now === "starting");
  show(byId("unreachable"), now === "unreachable");
  show(byId("welcome"), now === "signed-out");
  show(byId("desk"), now === "signed-in");
  show(byId("account"), now === "signed-in");
  say(byId("username"), username);
}

/** @param {User} user */
async function enter(user) {
  if (inside && owner === user.owner) return;
  stop();
  if (owner !== user.owner) compose.clear(); // what one has typed is not the next one's to read
  owner = user.owner;
  inside = true;
  configure({ getToken: null }); // a new client, for this owner
  const list = el("milepost-tasks", { filters: "", limit: "30" });
  byId("tasks").replaceChildren(list);
  byId("unread").replaceChildren(el("milepost-badge"));
  stopFollowing = sharedClient().subscribe(() => {
    if (sharedClient().getSnapshot().phase === "signed-out") leave();
  });
  stage("signed-in", user.username);
  await loadTypes();
}

/** The forms are there as soon as submit answers. */
async function loadTypes() {
  for (let tries = 1; inside; tries += 1) {
    try {
      return await compose.load();
    } catch (error) {
      if (!(error instanceof ApiError) || !error.lost) return;
      await new Promise((resolve) => setTimeout(resolve, backoffMs(tries)));
    }
  }
}

function stop() {
  stopFollowing();
  inside = false;
  byId("tasks").replaceChildren();
  byId("unread").replaceChildren();
  unread(0);
  folding.fold(true);
}

function leave() {
  const wasIn = inside;
  stop();
  configure({ getToken: null });
  stage("signed-out");
  if (wasIn) sessionForm.focus();
}

/** Finds out who is signed in; keeps trying while nobody answers. */
async function look() {
  clearTimeout(retry);
  try {
    const user = await session.current();
    failures = 0;
    if (user) await enter(user);
    else leave();
  } catch {
    if (inside) return; // the list itself says that the server is away
    failures += 1;
    stage("unreachable");
    retry = window.setTimeout(look, backoffMs(failures));
  }
}

/** @param {number} count */
function unread(count) {
  const button = byId("mark-read");
  if (!count && document.activeElement === button) byId("tasks-heading").focus();
  show(button, count > 0);
  const wanted = count ? `(${count}) ${title}` : title;
  if (document.title !== wanted) document.title = wanted;
}

document.addEventListener("milepost:unread", (event) => unread(/** @type {CustomEvent} */ (event).detail.unread));
document.addEventListener("milepost:ended", (event) => completion.tell(/** @type {CustomEvent} */ (event).detail.task));

byId("mark-read").addEventListener("click", async () => {
  const button = byId("mark-read");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await sharedClient().markRead();
  } catch {
    // Still unread, as the badge goes on saying; the connection's state is shown elsewhere.
  } finally {
    button.removeAttribute("aria-disabled");
  }
});

byId("sign-out").addEventListener("click", async () => {
  try {
    await session.signOut();
  } catch {
    return void look(); // not signed out as long as the server has not said so
  }
  owner = "";
  compose.clear();
  sessionForm.clear();
  leave();
  tabs.postMessage("changed");
});

byId("try-again").addEventListener("click", look);
tabs.addEventListener("message", look);
window.addEventListener("online", () => void (inside || look()));
window.addEventListener("pageshow", (event) => event.persisted && void look());
void look();
