/** Types of /milepost.js: the elements, and all of /milepost-core.js. */

import type { ApiError, Client, Problem, Task } from "./milepost-core.js";

export * from "./milepost-core.js";

/**
 * The tasks of whoever is signed in, live. Attributes: `tag`, `type`, `limit` (50), `filters`. Slots: `empty`; `task`, a
 * `<template>` copied into each card, where `data-field="title"` is filled. Parts: list, task, title, status, bar, fill,
 * message, facts, error, panel, button, connection, empty, signed-out, filters, filter, search.
 */
export class MilepostTasks extends HTMLElement {}
/** How many ended tasks are unread. Part: badge. */
export class MilepostBadge extends HTMLElement {}
/** One bar of one task. Attribute: `task`. Parts: bar, fill, title, status. */
export class MilepostProgress extends HTMLElement {}

/** The client that the elements of this page share. */
export function sharedClient(): Client;

/** All bubble and cross shadow roots. */
export interface MilepostEvents {
  "milepost:progress": CustomEvent<{ task: Task }>;
  "milepost:ended": CustomEvent<{ task: Task }>;
  "milepost:error": CustomEvent<{ task: Task; error: ApiError | Problem | null }>;
  "milepost:unread": CustomEvent<{ unread: number }>;
}

declare global {
  interface HTMLElementTagNameMap {
    "milepost-tasks": MilepostTasks;
    "milepost-badge": MilepostBadge;
    "milepost-progress": MilepostProgress;
  }
  interface HTMLElementEventMap extends MilepostEvents {}
  interface DocumentEventMap extends MilepostEvents {}
}
