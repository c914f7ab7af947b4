// Owns the caller's token: keeps it while it is good, asks for another when it is not; must put it nowhere else.

import { ApiError } from "./problem.js";

const EARLY_MS = 5_000; // asked again so long before it ends: the request has to arrive

/**
 * @typedef {object} Credentials
 * @property {() => Promise<string|null>} token null: the cookie is used
 * @property {() => boolean} renew forgets the token; false when there is none to renew
 */

/**
 * @param {(() => string|null|Promise<string|null>)|null|undefined} getToken
 * @param {() => number} now server time in milliseconds
 * @returns {Credentials}
 */
export function createCredentials(getToken, now) {
  /** @type {Promise<string>|null} */
  let asked = null;
  let goodUntil = Infinity;
  const forget = () => ((asked = null), (goodUntil = Infinity));
  return {
    async token() {
      if (!getToken) return null;
      if (now() > goodUntil - EARLY_MS) forget();
      asked ??= Promise.resolve(getToken()).then((token) => {
        if (!token) throw new ApiError(401);
        if (/\s/.test(token.trim())) throw new ApiError(0); // a page of the host's that says what is wrong
        goodUntil = Number(claims(token).exp ?? Infinity) * 1000;
        return token;
      });
      try {
        return await asked;
      } catch (error) {
        forget();
        throw error instanceof ApiError ? error : new ApiError(0); // the host's own endpoint is away: try again
      }
    },
    renew() {
      forget();
      return Boolean(getToken);
    },
  };
}

/** What a JWT says, unchecked; nothing of what is none. @param {string} token @returns {Record<string, any>} */
export function claims(token) {
  try {
    const text = atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (char) => char.charCodeAt(0))));
  } catch {
    return {};
  }
}
