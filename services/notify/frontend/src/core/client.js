// Owns what is known of one owner and the commands on it, for any view or none; must never touch the DOM.

import { createApi } from "./api.js";
import { createClock } from "./clock.js";
import { configured, home } from "./config.js";
import { claims, createCredentials } from "./credentials.js";
import { createDelivery } from "./delivery.js";
import { ApiError } from "./problem.js";
import { backoffMs, repeatWhileLost } from "./repeat.js";
import { createSharing } from "./sharing.js";
import { NOTHING, accept, dismiss, fold, inOrder, refresh, replaced, restore } from "./state.js";
import { watchSurroundings } from "./surroundings.js";
import { createUuid7 } from "./uuid7.js";

/** @typedef {ReturnType<typeof createClient>} Client */
/** @typedef {import("./types.js").Snapshot} Snapshot */

/**
 * A client that follows its owner's tasks from its first `subscribe` on, until `close`. All tabs of a
 * browser that show the same owner's share one connection.
 * @param {{clock?: import("./clock.js").Clock, api?: import("./api.js").Api} & import("./config.js").Options} given
 */
export function createClient(given = {}) {
  const { clock = createClock() } = given;
  const options = { ...configured(), ...given };
  const url = (options.url ?? home).replace(/\/$/, "");
  const credentials = createCredentials(options.getToken, clock.now);
  const api = given.api ?? createApi({ url, clock, credentials });

  let state = NOTHING;
  /** @type {Snapshot} */
  let snapshot = Object.freeze({
    phase: "loading", connection: "online", trouble: null, heard_at: null, tasks: [], unread: 0, cursor: null,
    complete: false, leading: false, watched: true,
  });
  /** @type {Set<() => void>} */
  const listeners = new Set();
  /** @type {import("./sharing.js").Sharing|null} */
  let sharing = null;
  /** @type {ReturnType<typeof createDelivery>|null} */
  let delivery = null;
  let begun = false;
  let informed = false; // false in a tab that has not been told yet what the others know
  let closed = false;
  let stopWatching = () => {};
  let surroundings = { visible: true, online: true };

  /** @param {Partial<Snapshot>} change */
  function tell(change = {}) {
    if (closed) return;
    const ready = state.complete || state.tasks.size > 0 || snapshot.phase === "ready";
    snapshot = Object.freeze({
      ...snapshot,
      phase: snapshot.phase === "signed-out" ? "signed-out" : ready ? "ready" : "loading",
      tasks: inOrder(state),
      complete: state.complete,
      unread: state.unread,
      cursor: state.cursor,
      leading: sharing?.leading ?? false,
      watched: sharing?.watched() ?? true,
      ...change,
    });
    for (const listener of [...listeners]) listener();
  }

  /** Tells this tab's views and the other tabs. @param {Partial<Snapshot>} change */
  function report(change) {
    tell(change);
    sharing?.tell({ kind: "connection", change });
  }
  const online = () => ({ connection: /** @type {const} */ ("online"), trouble: null, heard_at: clock.now() });

  function lead() {
    if (closed) return;
    delivery = createDelivery({
      api,
      cursor: () => state.cursor,
      complete: () => state.complete,
      visible: () => sharing?.watched() ?? true,
      onAnswer(answer) {
        state = fold(state, answer);
        sharing?.tell({ kind: "answer", answer });
        tell(online());
      },
      onHeard() {
        if (snapshot.connection !== "online") report(online());
        else snapshot = Object.freeze({ ...snapshot, heard_at: clock.now() });
      },
      onTrouble: (trouble) => report({ connection: surroundings.online ? "reconnecting" : "offline", trouble: plain(trouble) }),
      onSignedOut: () => report({ phase: "signed-out" }),
      onBadCursor() {
        state = replaced(state);
        sharing?.tell({ kind: "replaced" });
      },
      onExpired: () => void credentials.renew(),
    });
    informed = true;
    delivery.start();
    tellState(null);
    tell();
  }

  /** @param {string|null} to one tab, or all */
  function tellState(to) {
    const { connection, trouble, heard_at, phase } = snapshot;
    sharing?.tell({ kind: "state", to, state, change: { connection, trouble, heard_at, phase } });
  }

  function follow() {
    delivery?.stop();
    delivery = null;
    sharing?.hello();
    tell();
  }

  /** What another tab has told. @param {any} message */
  function hear(message) {
    const { kind } = message;
    if (kind === "hello") {
      if (sharing?.leading) tellState(message.from);
    } else if (kind === "state") {
      const meant = message.to === sharing?.me || (message.to === null && (!informed || message.state.complete));
      if (sharing?.leading || !meant) return;
      informed = true;
      state = message.state;
      tell(revived(message.change));
    } else if (kind === "answer" && !sharing?.leading) {
      if (!informed) return; // the whole of it is on its way
      state = fold(state, message.answer);
      tell(online());
    } else if (kind === "replaced" && !sharing?.leading) {
      state = replaced(state);
    } else if (kind === "connection" && !sharing?.leading) {
      tell(revived(message.change));
    } else if (kind === "accepted") {
      state = accept(state, message.accepted);
      tell();
    } else if (kind === "dismissed") {
      state = dismiss(state, message.id);
      tell();
    } else if (kind === "tab") {
      if (sharing?.leading) delivery?.wake({ afresh: !sharing.watched() });
      tell();
    }
  }

  async function begin() {
    if (begun || closed) return;
    begun = true;
    stopWatching = watchSurroundings((now, what) => {
      surroundings = now;
      if (what === "online" && !now.online) {
        tell({ connection: "offline" });
        return delivery?.wake({ afresh: true }); // an open stream would notice late; where the server is near, it goes on
      }
      sharing?.say();
      if (!sharing?.leading) sharing?.hello();
      if (what === "visible" && now.visible === false && sharing?.watched()) return tell();
      delivery?.wake({ afresh: what !== "visible" || !now.visible }); // hidden ones hold no connection
      tell();
    });
    for (let failures = 1; !closed; failures += 1) {
      try {
        const owner = await whose();
        if (closed) return;
        sharing = createSharing(`milepost:${url}:${owner}`, {
          onLead: lead, onFollow: follow, onMessage: hear, visible: () => surroundings.visible,
        });
        return sharing.hello();
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.status === 401) return tell({ phase: "signed-out" });
        tell({ connection: surroundings.online ? "reconnecting" : "offline", trouble: plain(error) });
        await new Promise((resolve) => setTimeout(resolve, backoffMs(failures)));
      }
    }
  }

  /** What tabs have to have in common to share: the owner, and what of his this caller may see. */
  async function whose() {
    const token = await credentials.token();
    if (!token) return (await api("GET", "/api/submit/session")).owner;
    const { sub, tasks, scope } = claims(token);
    return sub ? JSON.stringify([sub, tasks ?? null, scope ?? null]) : token.slice(-12);
  }

  /**
   * @template T
   * @param {() => Promise<T>} command safe to repeat
   */
  async function send(command) {
    try {
      return await repeatWhileLost(command);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        delivery?.stop();
        report({ phase: "signed-out" });
      }
      throw error;
    }
  }

  /** @param {any} accepted */
  function accepted(accepted) {
    state = accept(state, accepted);
    sharing?.tell({ kind: "accepted", accepted });
    tell();
    return accepted;
  }

  /** @param {string} id */
  const taskPath = (id) => `/tasks/${encodeURIComponent(id)}`;
  const newId = createUuid7(clock.now);

  return {
    url,
    clock,
    /** Any call to the API, with this client's credentials. @type {import("./api.js").Api} */
    request: api,
    /** @param {() => void} listener called after every change @returns {() => void} ends it */
    subscribe(listener) {
      listeners.add(listener);
      void begin();
      return () => void listeners.delete(listener);
    },
    getSnapshot: () => snapshot,
    /** An id for a task to be submitted: with the same id a repeated submit makes no second task. */
    newId,
    /** @param {{id?: string, type: string, params: object, title?: string, tags?: string[]}} task */
    async submit(task) {
      const body = { id: newId(), ...task };
      return accepted(await send(() => api("POST", "/api/submit/tasks", { body })));
    },
    /** Resolves when the request to stop is on its way to the worker. @param {string} id */
    cancel: (id) => send(() => api("POST", `/api/submit${taskPath(id)}/cancel`)),
    /** Resolves to the new task, whose `retry_of` is `id`. @param {string} id */
    async retry(id) {
      const key = newId();
      return accepted(await send(() => api("POST", `/api/submit${taskPath(id)}/retry`, { key })));
    },
    /** Gone at once; resolves when it is gone for good, on every device, and back in view if that fails. @param {string} id */
    async dismiss(id) {
      const before = state.tasks.get(id);
      state = dismiss(state, id);
      tell();
      try {
        await send(() => api("POST", `/api/submit${taskPath(id)}/dismiss`));
      } catch (error) {
        // 404: forgotten by the server, so gone as well
        if (!(error instanceof ApiError && error.status === 404)) {
          if (before) state = restore(state, before);
          tell();
          throw error;
        }
      }
      sharing?.tell({ kind: "dismissed", id }); // only now: other tabs never bring it back
    },
    /** Marks as read all that is known here by now. */
    async markRead() {
      const until = state.cursor;
      if (until) await send(() => api("POST", "/api/submit/inbox/read", { body: { until } }));
    },
    /** One task with everything, as it is now. @param {string} id */
    get: (id) => api("GET", `/api/notify${taskPath(id)}`),
    /** Brings what no event tells up to date: place in the queue, whether its worker is gone, time left. @param {string} id */
    async refresh(id) {
      const now = await api("GET", `/api/notify${taskPath(id)}`);
      const next = refresh(state, now);
      if (next === state) return;
      state = next;
      tell();
    },
    /** The network may be back: ask at once, on a new connection. */
    wake: () => delivery?.wake({ afresh: true }),
    /** Ends it. */
    close() {
      closed = true;
      stopWatching();
      delivery?.stop();
      sharing?.close();
      listeners.clear();
    },
  };
}

/** Errors lose their class on their way to another tab. @param {ApiError} error */
const plain = ({ status, problem, retryAfterMs }) => /** @type {ApiError} */ ({ status, problem, retryAfterMs });

/** @param {Partial<Snapshot>} change */
const revived = (change) =>
  change.trouble ? { ...change, trouble: new ApiError(change.trouble.status, change.trouble.problem, change.trouble.retryAfterMs) } : change;
