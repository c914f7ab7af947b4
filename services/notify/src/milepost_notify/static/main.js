// Owns the wiring: who is signed in decides whether a client runs; must hold no logic of tasks or of drawing.

import { createApi } from "./core/api.js";
import { createClient } from "./core/client.js";
import { createClock } from "./core/clock.js";
import { backoffMs } from "./core/repeat.js";
import { createSession } from "./core/session.js";
import { byId } from "./view/dom.js";
import { createMailForm } from "./view/mail-form.js";
import { createPage } from "./view/page.js";
import { createSessionForm } from "./view/session-form.js";

/** @typedef {import("./core/session.js").User} User */

const clock = createClock();
const api = createApi({ clock });
const session = createSession(api);
const tabs = new BroadcastChannel("milepost-session"); // the cookie is every tab's: so is signing in and out
/** @type {import("./core/client.js").Client|null} */
let client = null;
let owner = "";
let failures = 0;
let retry = 0;

const isVisible = () => document.visibilityState === "visible";
const page = createPage({ client: () => client, clock });
const mailForm = createMailForm({ client: () => client });
const sessionForm = createSessionForm({
  session,
  onUser(user) {
    enter(user);
    mailForm.focus();
    tabs.postMessage("changed");
  },
});

/** @param {User} user */
function enter(user) {
  if (client && owner === user.owner) return;
  stop();
  if (owner !== user.owner) mailForm.clear(); // what one has typed is not the next one's to read
  owner = user.owner;
  const started = createClient({ clock, api, visible: isVisible() });
  client = started;
  started.subscribe(() => {
    if (started.getSnapshot().phase === "signed-out") leave();
    else page.refresh();
  });
  page.stage("signed-in", user.username);
  page.refresh();
}

function stop() {
  client?.close();
  client = null;
  page.clear();
}

function leave() {
  const wasIn = client !== null;
  stop();
  page.stage("signed-out");
  if (wasIn) sessionForm.focus();
}

/** Finds out who is signed in; keeps trying while nobody answers. */
async function look() {
  clearTimeout(retry);
  try {
    const user = await session.current();
    failures = 0;
    if (user) enter(user);
    else leave();
  } catch {
    if (client) return; // its own loop says that the server is away
    failures += 1;
    page.stage("unreachable");
    retry = window.setTimeout(look, backoffMs(failures));
  }
}

byId("sign-out").addEventListener("click", async () => {
  try {
    await session.signOut();
  } catch {
    return void look(); // not signed out as long as the server has not said so
  }
  owner = "";
  mailForm.clear();
  sessionForm.clear();
  leave();
  tabs.postMessage("changed");
});

byId("try-again").addEventListener("click", look);
tabs.addEventListener("message", look);
document.addEventListener("visibilitychange", () => client?.setVisible(isVisible()));
window.addEventListener("online", () => (client ? client.wake() : void look()));
window.addEventListener("pageshow", (event) => event.persisted && void look());
void look();
