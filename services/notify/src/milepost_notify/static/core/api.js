// Owns one HTTP exchange with the services: JSON in and out, problem details, timeouts; must not retry or keep state.

import { ApiError, retryAfterMs } from "./problem.js";

/**
 * @typedef {object} Request
 * @property {Record<string, string|number|null|undefined>} [query] null and undefined are left out
 * @property {unknown} [body]
 * @property {number} [timeoutMs]
 * @property {AbortSignal} [signal] aborting rejects with ApiError status 0
 */

/**
 * @typedef {(method: string, path: string, request?: Request) => Promise<any>} Api
 * Resolves to the decoded body, null for an empty one. Rejects with ApiError and nothing else.
 */

/**
 * @param {{url?: string, fetch?: typeof globalThis.fetch, clock: import("./clock.js").Clock}} options
 * @returns {Api}
 */
export function createApi({ url = "", fetch = (...args) => globalThis.fetch(...args), clock }) {
  return async (method, path, { query = {}, body, timeoutMs = 15_000, signal } = {}) => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined) search.set(name, String(value));
    }
    const abort = new AbortController();
    const stop = () => abort.abort();
    const timer = setTimeout(stop, timeoutMs);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    try {
      const answer = await fetch(`${url}${path}${search.size ? `?${search}` : ""}`, {
        method,
        headers: body === undefined ? {} : { "Content-Type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: "same-origin",
        cache: "no-store",
        signal: abort.signal,
      });
      clock.note(answer.headers.get("Date"));
      const text = await answer.text();
      if (answer.ok) return text ? JSON.parse(text) : null;
      throw new ApiError(answer.status, problemOf(text), retryAfterMs(answer.headers.get("Retry-After"), clock.now()));
    } catch (error) {
      // No connection, aborted, cut off, or not JSON: in none of them is it known what the server did.
      throw error instanceof ApiError ? error : new ApiError(0);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
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
