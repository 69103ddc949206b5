/** Why a call has no answer, in a sentence that says what to do. */

/**
 * @typedef {"busy" | "gone" | "interrupted" | "locked" | "not an image" | "not ready" | "refused"
 *   | "too large" | "unknown"} Kind what went wrong
 */

/** @type {Record<number, Kind>} */
const KINDS = {
  401: "locked",
  404: "unknown",
  408: "interrupted",
  413: "too large",
  415: "not an image",
  429: "busy",
  502: "gone",
  503: "not ready",
  504: "gone",
};

/** @type {{ gone: string } & Partial<Record<Kind, string>>} where the service cannot say it */
const ADVICE = {
  gone: "Check your connection; who runs the service starts it with `belvedere serve`.",
  locked: "Try again and give the key; who runs the service knows it.",
  "not ready": "Wait a moment; who runs the service sees in its log what it waits for.",
};

const MOST_SECONDS_BETWEEN = 10;

/** A call without an answer; the message says what to do. */
export class Problem extends Error {
  /**
   * @param {Kind} kind
   * @param {string} sentence
   * @param {number} [pause] seconds to wait before the next attempt
   */
  constructor(kind, sentence, pause = 1) {
    super(sentence);
    this.kind = kind;
    this.pause = Math.min(pause, MOST_SECONDS_BETWEEN);
  }
}

/** The service cannot be reached. */
export function gone() {
  return new Problem("gone", ADVICE.gone);
}

/**
 * What the service says where it does not answer what was asked.
 *
 * @param {Response} response
 * @param {string} path of the call
 * @param {{ detail?: string, release?: string }} answer
 */
export function refusal(response, path, { detail, release }) {
  const { status, headers } = response;
  const kind = kindOf(status, path, release);
  // What the service says of keys is for those who write programs.
  const told = kind === "locked" ? undefined : detail;
  return new Problem(
    kind,
    told ?? ADVICE[kind] ?? `It answered ${status}; who runs it sees why in its log.`,
    Number(headers.get("Retry-After")) || undefined,
  );
}

/** @param {number} status @param {string} path @param {string} [release] that is served */
function kindOf(status, path, release) {
  // Where a release is served, only the work on this one call broke off.
  if (status === 503 && release && path !== "/readyz") return "interrupted";
  return KINDS[status] ?? "refused";
}
