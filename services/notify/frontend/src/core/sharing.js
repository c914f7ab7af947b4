// Owns which tab of the browser holds the connection, and what tabs tell each other; must not fold or fetch.

/**
 * @typedef {object} Ports
 * @property {() => void} onLead this tab is to hold the connection from now on
 * @property {() => void} onFollow it no longer is: another tab took over
 * @property {(message: any) => void} onMessage what another tab has told
 * @property {() => boolean} visible
 */

const BEAT_MS = 5_000;
const DEAD_MS = 20_000; // a leader that cannot run, since it is frozen or hangs, is relieved by a visible tab
const SEEN_MS = 65_000; // a hidden tab's timers may run once a minute

/** @typedef {ReturnType<typeof createSharing>} Sharing */

/**
 * One leader among all tabs that share `name`, by a Web Lock: the browser hands it on when a tab closes.
 * Where there are no Web Locks (a page without TLS) or no BroadcastChannel every tab leads itself.
 * @param {string} name
 * @param {Ports} ports
 */
export function createSharing(name, { onLead, onFollow, onMessage, visible }) {
  const locks = globalThis.navigator?.locks;
  const Channel = globalThis.BroadcastChannel;
  const channel = locks && Channel ? new Channel(name) : null;
  const me = `${Date.now()}.${Math.random()}`;
  const leaving = new AbortController();
  /** When each other visible tab was last heard. @type {Map<string, number>} */
  const watching = new Map();
  let leading = false;
  let heard = Date.now();
  let release = () => {};

  /** @param {Record<string, unknown>} message */
  const tell = (message) => channel?.postMessage({ ...message, from: me });
  const say = () => tell({ kind: "tab", visible: visible() });

  /** @param {boolean} steal */
  function compete(steal) {
    if (!channel || !locks) {
      leading = true;
      queueMicrotask(onLead);
      return;
    }
    const options = steal ? { steal: true } : { signal: leaving.signal };
    locks
      .request(name, options, () => {
        if (leaving.signal.aborted) return undefined;
        leading = true;
        onLead();
        return new Promise((resolve) => (release = () => resolve(undefined)));
      })
      .catch(() => {
        if (leaving.signal.aborted) return;
        if (leading) onFollow(); // it was stolen from us: we were too slow
        leading = false;
        heard = Date.now();
        if (!steal) compete(false);
      });
  }

  const timer = setInterval(() => {
    if (leading) tell({ kind: "beat" });
    if (visible()) say();
    if (!leading && channel && visible() && Date.now() - heard > DEAD_MS) {
      heard = Date.now();
      compete(true);
    }
  }, BEAT_MS);

  if (channel) {
    channel.onmessage = ({ data }) => {
      if (data.kind === "tab" || data.kind === "hello") {
        const before = watching.has(data.from);
        if (data.visible) watching.set(data.from, Date.now());
        else watching.delete(data.from);
        if (data.kind === "tab" && before === data.visible) return;
      } else {
        heard = Date.now();
      }
      onMessage(data);
    };
  }
  compete(false);

  return {
    me,
    tell,
    /** Asks the leader for all it knows. */
    hello: () => tell({ kind: "hello", visible: visible() }),
    /** This tab was shown or hidden. */
    say,
    get leading() {
      return leading;
    },
    /** Whether any tab is visible, this one or another. */
    watched() {
      for (const [tab, at] of watching) if (Date.now() - at > SEEN_MS) watching.delete(tab);
      return visible() || watching.size > 0;
    },
    close() {
      tell({ kind: "tab", visible: false });
      clearInterval(timer);
      leaving.abort();
      release();
      leading = false;
      channel?.close();
    },
  };
}
