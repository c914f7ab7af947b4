// Owns what /milepost-core.js gives: the client without any element; safe to import where there is no browser.

export { createClient } from "./core/client.js";
export { configure } from "./core/config.js";
export { ApiError } from "./core/problem.js";
export { createWords } from "./core/words.js";
