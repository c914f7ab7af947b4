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
    const bytes = new Uint8Array(10);
    fill(bytes);
    const time = last.toString(16).padStart(12, "0");
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-${"89ab"[bytes[9] & 3]}${hex.slice(3, 6)}-${hex.slice(6, 18)}`;
  };
}
