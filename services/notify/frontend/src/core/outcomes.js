// Owns what is known of the results of certain task types, once it has been loaded; must load nothing itself.

/**
 * How a task went for whom it was for. `words` lead its result, `link` follows them, `rest` stands under "More".
 * @typedef {{status: string|null, words: string, rest: [string, string]|null, link?: (client: import("./client.js").Client) => Node}} Outcome
 * @typedef {(task: import("./types.js").Task, words: import("./words.js").Words) => Outcome|null} Reader
 */

/** By task type. @type {Record<string, Reader>} */
export const outcomes = {};
