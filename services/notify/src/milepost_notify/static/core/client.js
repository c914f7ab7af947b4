// Owns what is known of one owner and the commands on it, for any view or none; must never touch the DOM.

import { createApi } from "./api.js";
import { createClock } from "./clock.js";
import { createDelivery } from "./delivery.js";
import { ApiError } from "./problem.js";
import { repeatWhileLost } from "./repeat.js";
import { NOTHING, accept, dismiss, fold, inOrder, replaced } from "./state.js";
import { createUuid7 } from "./uuid7.js";

/** @typedef {ReturnType<typeof createClient>} Client */

/**
 * A client that follows its owner's tasks from now on, until `close`.
 * @param {{clock?: import("./clock.js").Clock, api?: import("./api.js").Api, visible?: boolean}} options
 */
export function createClient({ clock = createClock(), api = createApi({ clock }), visible = true } = {}) {
  let state = NOTHING;
  /** @type {import("./types.js").Snapshot} */
  let snapshot = Object.freeze({
    phase: "loading", connection: "online", trouble: null, heard_at: null, tasks: [], unread: 0, cursor: null,
  });
  /** @type {Set<() => void>} */
  const listeners = new Set();

  /** @param {Partial<import("./types.js").Snapshot>} change */
  function tell(change = {}) {
    const ready = state.complete || state.tasks.size > 0 || snapshot.phase === "ready";
    snapshot = Object.freeze({
      ...snapshot,
      phase: ready ? "ready" : "loading",
      tasks: inOrder(state),
      unread: state.unread,
      cursor: state.cursor,
      ...change,
    });
    for (const listener of [...listeners]) listener();
  }

  const delivery = createDelivery({
    api,
    cursor: () => state.cursor,
    complete: () => state.complete,
    visible: () => visible,
    onAnswer(answer) {
      state = fold(state, answer);
      tell({ connection: "online", trouble: null, heard_at: clock.now() });
    },
    onTrouble: (trouble) => tell({ connection: "reconnecting", trouble }),
    onSignedOut: () => tell({ phase: "signed-out" }),
    onBadCursor() {
      state = replaced(state);
    },
  });

  /**
   * @template T
   * @param {() => Promise<T>} command safe to repeat
   */
  async function send(command) {
    try {
      return await repeatWhileLost(command);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        delivery.stop();
        tell({ phase: "signed-out" });
      }
      throw error;
    }
  }

  delivery.start();

  return {
    /** @param {() => void} listener called after every change @returns {() => void} ends it */
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    getSnapshot: () => snapshot,
    /** An id for a task to be submitted: with the same id a repeated submit makes no second task. */
    newId: createUuid7(clock.now),
    /** @param {{id: string, type: string, params: object, title?: string}} body */
    async submit(body) {
      const accepted = await send(() => api("POST", "/api/submit/tasks", { body }));
      state = accept(state, accepted);
      tell();
      return accepted;
    },
    /** @param {string} id */
    cancel: (id) => send(() => api("POST", `/api/submit/tasks/${encodeURIComponent(id)}/cancel`)),
    /** Resolves when the task is gone for good, on every tab. @param {string} id */
    async dismiss(id) {
      try {
        await send(() => api("POST", `/api/submit/tasks/${encodeURIComponent(id)}/dismiss`));
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 404) throw error; // forgotten by the server: gone as well
      }
      state = dismiss(state, id);
      tell();
    },
    /** Marks as read all that is known here by now. */
    async markRead() {
      const until = state.cursor;
      if (until) await send(() => api("POST", "/api/submit/inbox/read", { body: { until } }));
    },
    /** @param {boolean} now whether anybody can see it: hidden clients ask seldom */
    setVisible(now) {
      if (visible === now) return;
      visible = now;
      delivery.wake({ afresh: !now }); // a hidden one holds no connection
    },
    /** The network may be back: ask at once, on a new connection. */
    wake: () => delivery.wake({ afresh: true }),
    /** Ends it. */
    close() {
      delivery.stop();
      listeners.clear();
    },
  };
}
