/** Types of /milepost-core.js: following and commanding tasks without any DOM. */

export interface Problem {
  code?: string;
  message?: string;
  reference?: string;
}

/** A task as Milepost tells it. Times are RFC 3339 UTC or null; `progress` is 0..100, and 100 is success. */
export interface Task {
  readonly id: string;
  readonly type: string;
  readonly title: string;
  readonly tags: readonly string[];
  /** scheduled, queued, running, retrying, succeeded, failed, cancelled, or one not known to this version. */
  readonly status: string;
  readonly progress: number;
  readonly indeterminate: boolean;
  readonly message: string | null;
  readonly step: string | null;
  readonly done: number | null;
  readonly total: number | null;
  readonly eta_at: string | null;
  /** 0 before the first start. */
  readonly attempt: number;
  readonly queue_position: number | null;
  readonly liveness: string | null;
  readonly progress_at: string | null;
  readonly quiet_after_seconds: number | null;
  readonly result: unknown;
  readonly result_omitted: boolean;
  readonly error: Problem | null;
  readonly cancel_requested_at: string | null;
  readonly created_at: string | null;
  readonly runs_at: string | null;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly retry_of: string | null;
  readonly read: boolean;
}

/** A request that brought no good answer; `status` 0 when there was none at all. */
export class ApiError extends Error {
  constructor(status: number, problem?: ApiError["problem"], retryAfterMs?: number | null);
  readonly status: number;
  readonly problem: { type?: string; title?: string; detail?: string; errors?: unknown };
  readonly retryAfterMs: number | null;
  /** The request may have taken effect: repeat it with the same id. */
  readonly lost: boolean;
}

/** Frozen; the same object until something changes. */
export interface Snapshot {
  readonly phase: "loading" | "ready" | "signed-out";
  readonly connection: "online" | "reconnecting" | "offline";
  readonly trouble: ApiError | null;
  /** Milliseconds since the epoch, by the server's clock, of the last good answer. */
  readonly heard_at: number | null;
  /** Newest first. */
  readonly tasks: readonly Task[];
  /** Ended tasks neither read nor put away. */
  readonly unread: number;
  /** False while tasks are still coming in pages. */
  readonly complete: boolean;
  /** True in the one tab that holds the connection. */
  readonly leading: boolean;
  /** False while no tab is visible. */
  readonly watched: boolean;
}

export interface Options {
  /** Where Milepost is; default: where this module came from. */
  url?: string;
  /** A bearer token, asked for again when it expires; null means signed out. Without it the session cookie is used. */
  getToken?: (() => string | null | Promise<string | null>) | null;
  /** A BCP 47 tag, en or ko; default: the page's `lang`, then the browser's. */
  lang?: string;
  /** Words that replace ours, by key. */
  messages?: Record<string, string>;
}

export interface NewTask {
  /** A UUIDv7: with the same one a repeated submit makes no second task. Default: a new one. */
  id?: string;
  type: string;
  params: object;
  title?: string;
  tags?: string[];
}

export interface Accepted {
  id: string;
  type: string;
  title: string;
  status: string;
  revision: string;
}

export interface Client {
  /** Starts following; `listener` is called after every change. Returns what ends it. */
  subscribe(listener: () => void): () => void;
  getSnapshot(): Snapshot;
  newId(): string;
  /** Rejects with ApiError, as all commands do; repeated by itself while answers get lost. */
  submit(task: NewTask): Promise<Accepted>;
  cancel(id: string): Promise<unknown>;
  /** Resolves to the new task, whose `retry_of` is `id`. */
  retry(id: string): Promise<Accepted>;
  dismiss(id: string): Promise<void>;
  markRead(): Promise<void>;
  get(id: string): Promise<Task & { params: object }>;
  close(): void;
}

/** Sets or changes options, before or after elements are in the page; those left out stay. */
export function configure(options: Options): void;
/** A client of its own; opens nothing before the first `subscribe`. */
export function createClient(options?: Options): Client;
