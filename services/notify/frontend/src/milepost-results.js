// Owns what /milepost-results.js gives: how results of the types that ship are told, loaded where such a task is shown.

import { exportOutcome } from "./results/export.js";
import { mailOutcome } from "./results/mail.js";

/** By task type. @type {Record<string, import("./core/outcomes.js").Reader>} */
export const readers = { "mail.send": mailOutcome, "report.export": exportOutcome };
