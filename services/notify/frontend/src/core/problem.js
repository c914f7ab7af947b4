// Owns the one error of the HTTP edge and what a problem document says; must not word it for people or do I/O.

/** A request that brought no good answer: `status` 0 when there was no answer at all. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{type?: string, title?: string, detail?: string, errors?: unknown}} problem
   * @param {number|null} retryAfterMs
   */
  constructor(status, problem = {}, retryAfterMs = null) {
    super(problem.detail || problem.title || (status ? `status ${status}` : "no answer"));
    this.name = "ApiError";
    this.status = status;
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }

  /** True when the request may or may not have taken effect: repeat it with the same id. */
  get lost() {
    return [0, 502, 503, 504].includes(this.status);
  }
}

/**
 * What the errors of a problem document say of which field.
 * FastAPI puts "body" before a path into the body; a form's fields may be called that too.
 * @param {ApiError} error
 * @param {string[]} under the path in the body where the fields are, such as ["params"]
 * @returns {{field: string, index: number|null, msg: string}[]}
 */
export function fieldErrors(error, under = []) {
  const errors = Array.isArray(error.problem.errors) ? error.problem.errors : [];
  return errors.map(({ loc, msg }) => {
    const path = (Array.isArray(loc) ? loc : String(loc ?? "").split(/[./]/)).map(String).filter(Boolean);
    if (path[0] === "body" && (path.length > 1 || under.length)) path.shift();
    for (const name of under) if (path[0] === name) path.shift();
    const index = path.length > 1 && /^\d+$/.test(path[1]) ? Number(path[1]) : null;
    return { field: path[0] ?? "", index, msg: String(msg ?? "") };
  });
}

/**
 * Milliseconds of a Retry-After header: seconds or an HTTP date. Null when it says nothing.
 * @param {string|null} header
 * @param {number} nowMs
 */
export function retryAfterMs(header, nowMs) {
  if (!header) return null;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
