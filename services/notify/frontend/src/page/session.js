// Owns the calls by which somebody signs up, in and out; must not remember who they are.

import { ApiError } from "milepost";

/** @typedef {{username: string, owner: string}} User */

/** @param {import("../core/api.js").Api} api */
export function createSession(api) {
  const path = "/api/submit/session";
  return {
    /** Who is signed in, or null. @returns {Promise<User|null>} */
    async current() {
      try {
        return await api("GET", path);
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return null;
        throw error;
      }
    },
    /** @param {{username: string, password: string}} credentials @returns {Promise<User>} */
    signIn: (credentials) => api("POST", path, { body: credentials }),
    /** @param {{username: string, password: string}} credentials */
    signUp: (credentials) => api("POST", "/api/submit/accounts", { body: credentials }),
    signOut: () => api("DELETE", path),
  };
}
