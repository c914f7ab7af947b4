// Owns reading server-sent events from a response (WHATWG HTML, 9.2.6); must not know what they mean.

/** @typedef {{id: string, event: string, data: string}} Message */

/** A parser fed with text in any pieces; each call gives the messages that are whole by then. */
export function createParser() {
  let rest = "";
  let id = "";
  /** @param {string} text @returns {Message[]} */
  return (text) => {
    const blocks = (rest + text).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? "";
    const messages = [];
    for (const block of blocks) {
      let event = "message";
      const data = [];
      for (const line of block.split(/\r?\n/)) {
        const at = line.indexOf(":");
        if (at === 0) continue; // a comment
        const name = at < 0 ? line : line.slice(0, at);
        const value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
        if (name === "id") id = value;
        else if (name === "event") event = value;
        else if (name === "data") data.push(value);
      }
      if (data.length) messages.push({ id, event, data: data.join("\n") });
    }
    return messages;
  };
}

/**
 * Reads to the end; `onMessages` is called for each piece, also one that holds nothing but a comment.
 * @param {Response} answer
 * @param {(messages: Message[]) => void} onMessages may throw to stop
 */
export async function readMessages(answer, onMessages) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
  const decoder = new TextDecoder();
  const parse = createParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onMessages(parse(decoder.decode(value, { stream: true })));
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}
