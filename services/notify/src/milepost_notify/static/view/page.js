// Owns which of the page's states is seen and the drawing of a client's snapshots; must not talk to the server itself.

import { createAnnouncer } from "./announcer.js";
import { createBadge } from "./badge.js";
import { createConnection } from "./connection.js";
import { byId, say, show } from "./dom.js";
import { createTaskList } from "./task-list.js";

const TICK_MS = 1000; // what only the clock changes: quiet, time left

/** @typedef {"starting"|"unreachable"|"signed-out"|"signed-in"} Stage */

/**
 * @param {{client: () => import("../core/client.js").Client|null, clock: import("../core/clock.js").Clock}} ports
 */
export function createPage({ client, clock }) {
  const list = createTaskList({
    cancel: async (id) => client()?.cancel(id),
    dismiss: async (id) => client()?.dismiss(id),
  });
  const badge = createBadge({ markRead: async () => client()?.markRead() });
  const announcer = createAnnouncer();
  const connection = createConnection();
  let asked = 0;

  function draw() {
    asked = 0;
    const snapshot = client()?.getSnapshot();
    if (!snapshot) return;
    // Without news time stands still: what only the clock changes would be a guess.
    const heardAt = snapshot.connection === "online" ? null : snapshot.heard_at;
    list.update(snapshot, heardAt ?? clock.now());
    connection.update(snapshot);
    announcer.update(snapshot);
  }

  setInterval(() => {
    if (document.visibilityState === "visible") draw();
  }, TICK_MS);

  return {
    /** Draws before the next frame, once however often it is asked; the tab's title at once, hidden or not. */
    refresh() {
      badge.update(client()?.getSnapshot().unread ?? 0);
      asked ||= requestAnimationFrame(draw);
    },
    /** @param {Stage} stage @param {string} [username] */
    stage(stage, username = "") {
      document.body.dataset.stage = stage;
      show(byId("starting"), stage === "starting");
      show(byId("unreachable"), stage === "unreachable");
      show(byId("welcome"), stage === "signed-out");
      show(byId("desk"), stage === "signed-in");
      show(byId("account"), stage === "signed-in");
      say(byId("username"), username);
    },
    /** Forgets all that was drawn of one owner. */
    clear() {
      cancelAnimationFrame(asked);
      asked = 0;
      list.clear();
      badge.update(0);
      announcer.clear();
      connection.clear();
    },
  };
}
