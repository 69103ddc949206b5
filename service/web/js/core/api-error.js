/** Errors of API calls, with messages for users: cause, and action. */

/**
 * @typedef {"busy" | "changed" | "conflict" | "failed" | "forbidden" | "interrupted"
 *   | "new class" | "not an image" | "not found" | "not ready" | "too large" | "unauthorized"
 *   | "unreachable"} Kind
 */

/** @type {Record<number, Kind>} */
const KINDS = {
  401: "unauthorized",
  403: "forbidden",
  404: "not found",
  408: "interrupted",
  409: "conflict",
  412: "changed",
  413: "too large",
  415: "not an image",
  429: "busy",
  502: "unreachable",
  503: "not ready",
  504: "unreachable",
};

/**
 * Messages for responses without one.
 *
 * @type {{ unreachable: string } & Partial<Record<Kind, string>>}
 */
const ADVICE = {
  unreachable:
    "Check your network connection. If you run the service, start it with `belvedere serve`.",
  unauthorized: "Try again and enter the API key. The operator of the service can provide it.",
  "not ready": "Wait a moment. If you run the service, check its log.",
};

const UNKNOWN_CLASS = "urn:problem-type:belvedere:unknown-class";

const MAX_RETRY_SECONDS = 10;

/** Failed API call; the message says what to do. */
export class ApiError extends Error {
  /**
   * @param {Kind} kind
   * @param {string} message
   * @param {number} [retryAfter] seconds before the next attempt
   * @param {string[]} [ids] of the images concerned
   */
  constructor(kind, message, retryAfter = 1, ids = []) {
    super(message);
    this.ids = ids;
    this.kind = kind;
    this.retryAfter = Math.min(retryAfter, MAX_RETRY_SECONDS);
  }
}

/** Return the error for a service that cannot be reached. */
export function unreachableError() {
  return new ApiError("unreachable", ADVICE.unreachable);
}

/**
 * Return the error for an error response.
 *
 * @param {Response} response
 * @param {string} path of the call
 * @param {{ type?: string, detail?: string, release?: string, ids?: string[] | null }} body
 */
export function responseError(response, path, { type, detail, release, ids }) {
  const { status, headers } = response;
  const kind = type === UNKNOWN_CLASS ? "new class" : kindOf(status, path, release);
  // The service's message about keys is for API clients.
  const message = kind === "unauthorized" ? undefined : detail;
  return new ApiError(
    kind,
    message ??
      ADVICE[kind] ??
      `The service returned status ${status}. If you run the service, check its log.`,
    Number(headers.get("Retry-After")) || undefined,
    ids ?? [],
  );
}

/** @param {number} status @param {string} path @param {string} [release] of the response */
function kindOf(status, path, release) {
  // If a release is served, only this request failed.
  if (status === 503 && release && path !== "/readyz") return "interrupted";
  return KINDS[status] ?? "failed";
}
