/** The way back to a server that was gone: the run as it was last drawn, as a document that opens with its weights. */

/** @typedef {{document: PlayDocument, frame: Frame, legs: any[]}} Held */

/** @param {FrameArray | undefined} array */
function base64Of(array) {
  if (!array) return "";
  const { buffer, byteOffset, byteLength } = array.values;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

/** Whether a run can be begun again from this frame: between two batches its weights are no epoch's. @param {Frame} frame @param {PlayState | null} state */
export function isWhole({ header, arrays }, state) {
  return header.batch === 0 && !header.diverged && arrays.params?.values.length === state?.total_parameters;
}

/** @param {Held} held @returns {PlayDocument} */
export function resumed({ document, frame: { header, arrays }, legs }) {
  return { ...document, start: { epoch: header.epoch, params: base64Of(arrays.params), state: base64Of(arrays.state), legs: walked(legs, header.epoch) } };
}

const KEY = "handgrad.held";

/** Keeps what is on the page for when it is loaded again, in this tab only; without weights where they are too many. @param {Held} held */
export function keep(held) {
  for (const document of [resumed(held), held.document]) {
    try {
      return sessionStorage.setItem(KEY, JSON.stringify(document));
    } catch {
      sessionStorage.removeItem(KEY); // the browser has no room for it
    }
  }
}

/** What was kept, if the page is loaded again. @returns {PlayDocument | null} */
export function kept() {
  const [loading] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  const text = sessionStorage.getItem(KEY);
  return loading?.type === "reload" && text ? JSON.parse(text) : null;
}

/** The legs as far as that epoch: the last was told when it began. @param {any[]} legs @param {number} epoch */
function walked(legs, epoch) {
  const before = legs.slice(0, -1).reduce((sum, leg) => sum + leg.epochs, 0);
  return legs.map((leg, index) => (index === legs.length - 1 ? { ...leg, epochs: epoch - before } : leg));
}

/**
 * The columns of the curves over the epochs. A server that came back knows none of the epochs before: those stay here,
 * `carried` of them, until what it sends begins earlier.
 */
export class Columns {
  constructor() {
    /** @type {Record<string, (number | null)[]>} */
    this.columns = { epoch: [] };
    this.carried = 0;
    this.since = 0;
  }

  /** Keeps what lies before an epoch, whatever a new server sends. @param {number} epoch */
  carry(epoch) {
    this.since = epoch;
    const first = this.columns.epoch.findIndex((one) => (one ?? 0) >= epoch);
    this.carried = first < 0 ? this.columns.epoch.length : first;
  }

  forget() {
    this.carried = 0;
  }

  /** Cuts the columns at `from` and appends; whether anything changed. @param {FrameHeader["curves"]} curves */
  extend({ from, columns }) {
    const first = columns.epoch?.[0];
    if (from === 0 && typeof first === "number" && first < this.since) this.carried = 0;
    const at = from + this.carried;
    if (at >= this.columns.epoch.length && first === undefined) return false;
    for (const [name, values] of Object.entries(columns)) {
      const column = (this.columns[name] ??= []);
      column.length = Math.min(at, column.length);
      for (const value of values) column.push(value);
    }
    return true;
  }
}
