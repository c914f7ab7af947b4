// Owns making UUIDv7 (RFC 9562, section 5.7); must not read a clock of its own.

/**
 * A maker of UUIDv7 whose ids only rise, even within a millisecond or when the clock steps back.
 * `crypto.randomUUID` is not used: it is missing where the page is served without TLS.
 * @param {() => number} nowMs milliseconds since the epoch
 * @param {(bytes: Uint8Array<ArrayBuffer>) => Uint8Array} fill
 * @returns {() => string}
 */
export function createUuid7(nowMs, fill = (bytes) => crypto.getRandomValues(bytes)) {
  let last = 0;
  return () => {
    last = Math.max(Math.floor(nowMs()), last + 1);
    const bytes = new Uint8Array(16);
    fill(bytes);
    let rest = last;
    for (let i = 5; i >= 0; i -= 1) {
      bytes[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };
}
