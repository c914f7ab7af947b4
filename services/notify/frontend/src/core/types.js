// Owns the JSDoc types the core and the views share; must hold no code.

/**
 * A task as notify tells it (contract: "A task"), with every field present.
 * Times are RFC 3339 UTC strings or null; `progress` is 0..100.
 * @typedef {object} Task
 * @property {string} id
 * @property {string} type
 * @property {string} title
 * @property {readonly string[]} tags
 * @property {string} status scheduled, queued, running, retrying, succeeded, failed, cancelled, or one not known here
 * @property {number} progress at most 99.9 until success
 * @property {boolean} indeterminate
 * @property {string|null} message
 * @property {string|null} step
 * @property {number|null} done
 * @property {number|null} total
 * @property {string|null} eta_at
 * @property {number} attempt 0 before the first start
 * @property {number|null} queue_position
 * @property {string|null} liveness moving, quiet, lost or null
 * @property {string|null} progress_at
 * @property {number|null} quiet_after_seconds
 * @property {unknown} result
 * @property {boolean} result_omitted true when the result was too large for a notification
 * @property {{code?: string, message?: string, reference?: string}|null} error
 * @property {string|null} cancel_requested_at
 * @property {string|null} created_at
 * @property {string|null} runs_at
 * @property {string|null} started_at
 * @property {string|null} ended_at
 * @property {string|null} retry_of
 * @property {boolean} read
 * @property {string|null} revision
 * @property {boolean} local true while only submit's answer is known, no notification yet
 */

/**
 * One row of an answer; `id` is its cursor, `timestamp` seconds since the epoch.
 * @typedef {{id: string, name: string, data: any, timestamp: number}} Row
 */

/**
 * @typedef {{notifications: Row[], cursor: string, gap: boolean, next_poll_ms: number}} Answer
 */

/**
 * What a view draws. Frozen; a task object is the same one until it changes.
 * @typedef {object} Snapshot
 * @property {"loading"|"ready"|"signed-out"} phase
 * @property {"online"|"reconnecting"|"offline"} connection offline: the browser has no network
 * @property {import("./problem.js").ApiError|null} trouble why it is reconnecting
 * @property {number|null} heard_at milliseconds since the epoch, server time, of the last good answer
 * @property {readonly Task[]} tasks newest first
 * @property {number} unread
 * @property {string|null} cursor
 * @property {boolean} complete false while tasks are still coming in pages
 * @property {boolean} leading true in the one tab that holds the connection
 * @property {boolean} watched true while any tab is visible, as far as the leading tab knows
 */

export {};
