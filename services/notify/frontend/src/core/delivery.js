// Owns the loop that follows the cursor: stream, else long poll, else poll, with back-off; must not interpret the rows.

import { ApiError } from "./problem.js";
import { backoffMs } from "./repeat.js";
import { readMessages } from "./stream.js";

const PATH = "/api/notify/notifications";
const WAIT_SECONDS = 25;
const LIMIT = 100; // as many cards as one frame may make
const LEAST_PAUSE_MS = 250; // several updates in one answer rather than one each
const MOST_PAUSE_MS = 1_000; // a long poll is its own spacing: a long pause before it only makes news late
const HIDDEN_MS = 5_000;
const STEP_DOWN_MS = 300_000; // so long a way that did not work is not tried again
const CROWDED_MS = 30_000;
const FIRST_MS = 8_000; // a proxy that keeps a stream back has not sent its first comment by then
const SILENT_MS = 40_000; // a comment comes every 15 s
const GATHER_MS = 80; // rows of a stream are told together

/**
 * @typedef {object} Ports
 * @property {import("./api.js").Api} api
 * @property {() => string|null} cursor
 * @property {() => boolean} complete false while a state is still coming in pages
 * @property {() => boolean} visible
 * @property {(answer: import("./types.js").Answer) => void} onAnswer
 * @property {() => void} onHeard the server is there, with no news
 * @property {(error: ApiError) => void} onTrouble
 * @property {() => void} onSignedOut the loop has ended by itself
 * @property {() => void} onBadCursor
 * @property {() => void} onExpired the token ran out while a stream was open
 */

/** @param {Ports} ports */
export function createDelivery(ports) {
  const { api, cursor, complete, visible, onAnswer, onHeard, onTrouble, onSignedOut, onBadCursor, onExpired } = ports;
  let running = false;
  let failures = 0;
  let streamFailures = 0;
  let noStreamUntil = 0;
  let waitFailures = 0;
  let noWaitUntil = 0;
  let inFlight = new AbortController();
  let wakeUp = () => {};

  /** @param {number} ms */
  const sleep = (ms) =>
    /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        wakeUp = () => (clearTimeout(timer), resolve());
      })
    );

  const following = () => complete() && visible() && failures === 0;
  /** One exchange; the answer is how long to pause before the next, in milliseconds. */
  const turn = () => (following() && Date.now() > noStreamUntil ? follow() : poll(following() && Date.now() > noWaitUntil));

  /** @param {boolean} waiting */
  async function poll(waiting) {
    const wait = waiting ? WAIT_SECONDS : 0;
    const asked = Date.now();
    inFlight = new AbortController();
    /** @type {import("./types.js").Answer} */
    let answer;
    try {
      answer = await api("GET", PATH, {
        query: { since: cursor(), wait: wait || null, limit: LIMIT },
        timeoutMs: (wait + 10) * 1000,
        signal: inFlight.signal,
      });
    } catch (error) {
      // Something between us and the server may not let a request wait.
      if (wait && !inFlight.signal.aborted && ++waitFailures > 1) noWaitUntil = Date.now() + STEP_DOWN_MS;
      throw error;
    }
    if (wait) waitFailures = 0;
    if (!running) return 0;
    if (!Array.isArray(answer?.notifications)) throw new ApiError(0);
    failures = 0;
    onAnswer(answer);
    const size = answer.notifications.length;
    const next = Math.max(LEAST_PAUSE_MS, Number(answer.next_poll_ms) || 0);
    if (!complete()) return size === LIMIT ? 0 : LEAST_PAUSE_MS / 5;
    if (!visible()) return Math.max(next, HIDDEN_MS);
    if (wait && !size) return Date.now() - asked > wait * 500 ? 0 : next; // an answer at once and empty is no long poll
    if (!wait && Date.now() > Math.min(noStreamUntil, noWaitUntil)) return 0;
    return wait ? Math.min(next, MOST_PAUSE_MS) : next;
  }

  /** Reads the stream until it ends. */
  async function follow() {
    const mine = (inFlight = new AbortController());
    let heard = false;
    let silence = 0;
    let gathering = 0;
    /** @type {import("./types.js").Row[]} */
    let rows = [];
    const listen = () => {
      clearTimeout(silence);
      silence = Number(setTimeout(() => mine.abort("silent"), heard ? SILENT_MS : FIRST_MS));
    };
    const tell = () => {
      clearTimeout(gathering);
      gathering = 0;
      const notifications = rows;
      rows = [];
      if (running && notifications.length) {
        onAnswer({ notifications, cursor: notifications[notifications.length - 1].id, gap: false, next_poll_ms: 0 });
      }
    };
    try {
      const answer = await api("GET", `${PATH}/stream`, { query: { since: cursor() }, signal: mine.signal, stream: true });
      if (!/^text\/event-stream/.test(answer.headers.get("Content-Type") ?? "") || !answer.body) throw new ApiError(0);
      listen();
      await readMessages(answer, (messages) => {
        if (!running) return;
        heard = true;
        failures = streamFailures = 0;
        listen();
        onHeard();
        for (const { event, data } of messages) {
          if (event === "gap") {
            tell(); // what came before it has an older cursor
            throw onBadCursor(); // what follows is the whole state: ask for it in pages
          }
          if (event === "expired") onExpired();
          else rows.push(JSON.parse(data));
        }
        if (rows.length && !gathering) gathering = Number(setTimeout(tell, GATHER_MS));
      });
    } catch (error) {
      const ours = mine.signal.aborted && mine.signal.reason !== "silent";
      if (error instanceof ApiError && error.status) throw error;
      if (!ours && !heard && ++streamFailures > 1) noStreamUntil = Date.now() + STEP_DOWN_MS;
      if (ours || error === undefined) return 0; // we did that ourselves
      if (!heard && running) return await poll(false); // is it the stream or the server?
    } finally {
      clearTimeout(silence);
      tell();
    }
    return backoffMs(1); // it has ended: the server goes, or the token
  }

  /** @param {unknown} error what to make of it; the answer is the pause in milliseconds */
  function pauseAfter(error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 0 && inFlight.signal.aborted && inFlight.signal.reason !== "silent") return 0; // we did that ourselves
    failures += 1;
    const pause = Math.max(error.retryAfterMs ?? 0, backoffMs(failures));
    if (error.status === 429) {
      noStreamUntil = noWaitUntil = Date.now() + pause + CROWDED_MS; // too many connections: go on with short ones
      return Math.max(pause, 1_000);
    }
    if (error.status === 422) onBadCursor();
    if ([404, 405, 406, 501].includes(error.status)) noStreamUntil = Date.now() + STEP_DOWN_MS;
    onTrouble(error);
    return pause;
  }

  async function run() {
    while (running) {
      let pause;
      try {
        pause = await turn();
      } catch (error) {
        if (!running) return;
        if (error instanceof ApiError && error.status === 401) {
          running = false;
          return onSignedOut();
        }
        pause = pauseAfter(error);
      }
      if (running && pause) await sleep(pause);
    }
  }

  return {
    start() {
      if (running) return;
      running = true;
      void run();
    },
    /** Ends the loop. */
    stop() {
      running = false;
      inFlight.abort();
      wakeUp();
    },
    /** Asks again at once: back-off and pause are over. With `afresh` what is in flight is given up as well. */
    wake({ afresh = false } = {}) {
      failures = 0;
      if (afresh) inFlight.abort();
      wakeUp();
    },
  };
}
