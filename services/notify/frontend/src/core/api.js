// Owns one HTTP exchange with the services: JSON in and out, problem details, timeouts; must not keep state.

import { ApiError, retryAfterMs } from "./problem.js";

/**
 * @typedef {object} Request
 * @property {Record<string, string|number|null|undefined>} [query] null and undefined are left out
 * @property {unknown} [body]
 * @property {string} [key] an Idempotency-Key
 * @property {number} [timeoutMs] until the whole answer is there; of a stream, until it begins
 * @property {AbortSignal} [signal] aborting rejects with ApiError status 0
 * @property {boolean} [stream] resolve with the response once it has begun
 */

/**
 * @typedef {(method: string, path: string, request?: Request) => Promise<any>} Api
 * Resolves to the decoded body, null for an empty one. Rejects with ApiError and nothing else.
 */

/**
 * @param {{url?: string, fetch?: typeof globalThis.fetch, clock: import("./clock.js").Clock,
 *   credentials?: import("./credentials.js").Credentials}} options
 * @returns {Api}
 */
export function createApi({ url = "", fetch = (...args) => globalThis.fetch(...args), clock, credentials }) {
  /** @param {string} method @param {string} path @param {Request} request @returns {Promise<any>} */
  async function exchange(method, path, { query = {}, body, key, timeoutMs = 15_000, signal, stream }) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined) search.set(name, String(value));
    }
    const token = await credentials?.token();
    /** @type {Record<string, string>} */
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (key) headers["Idempotency-Key"] = key;
    const abort = new AbortController();
    const stop = () => abort.abort();
    const timer = setTimeout(stop, timeoutMs);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    let open = false;
    try {
      const answer = await fetch(`${url}${path}${search.size ? `?${search}` : ""}`, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: token ? "omit" : "include",
        cache: "no-store",
        signal: abort.signal,
      });
      clock.note(answer.headers.get("Date"));
      if (stream && answer.ok) {
        open = true;
        return answer;
      }
      const text = await answer.text();
      if (answer.ok) return text ? JSON.parse(text) : null;
      throw new ApiError(answer.status, problemOf(text), retryAfterMs(answer.headers.get("Retry-After"), clock.now()));
    } finally {
      clearTimeout(timer);
      if (!open) signal?.removeEventListener("abort", stop);
    }
  }

  return async (method, path, request = {}) => {
    try {
      try {
        return await exchange(method, path, request);
      } catch (error) {
        // A token may be refused before its time: one more, with a new one.
        if (!(error instanceof ApiError && error.status === 401 && credentials?.renew())) throw error;
        return await exchange(method, path, request);
      }
    } catch (error) {
      // No connection, aborted, cut off, or not JSON: in none of them is it known what the server did.
      throw error instanceof ApiError ? error : new ApiError(0);
    }
  };
}

/**
 * A proxy's error page is no problem document.
 * @param {string} text
 */
function problemOf(text) {
  try {
    const problem = JSON.parse(text);
    return problem && typeof problem === "object" && !Array.isArray(problem) ? problem : {};
  } catch {
    return {};
  }
}
