// Owns what /milepost.js gives: the elements, registered, and the client they share.

import { MilepostBadge } from "./elements/badge.js";
import { MilepostProgress } from "./elements/progress.js";
import { sharedClient } from "./elements/shared.js";
import { MilepostTasks } from "./elements/tasks.js";

export * from "./milepost-core.js";
export { MilepostBadge, MilepostProgress, MilepostTasks, sharedClient };

/** @type {[string, CustomElementConstructor][]} */
const elements = [["milepost-tasks", MilepostTasks], ["milepost-badge", MilepostBadge], ["milepost-progress", MilepostProgress]];
for (const [name, element] of elements) if (!customElements.get(name)) customElements.define(name, element);
