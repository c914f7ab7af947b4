// Owns the proof that the declarations we ship are true of the sources. It is compiled, never run.

import type * as declared from "../../src/milepost_notify/static/milepost.js";
import type * as declaredCore from "../../src/milepost_notify/static/milepost-core.js";
import * as core from "../src/milepost-core.js";
import * as elements from "../src/milepost.js";

export const ours: Pick<typeof declared, keyof typeof declared> = elements;
export const oursWithoutElements: Pick<typeof declaredCore, keyof typeof declaredCore> = core;
