/** Numbers for the eye: a steady number of characters, a true minus sign, no jumps in width. */

const MINUS = "\u2212";

/** @param {number | null | undefined} value @param {number} [digits] significant digits */
export function figure(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "∞" : `${MINUS}∞`;
  if (value === 0) return (0).toFixed(digits);
  const size = Math.abs(value);
  const short = size >= 1e5 || size < 10 ** (1 - digits);
  const text = short ? value.toExponential(Math.max(0, digits - 1)) : value.toFixed(size >= 100 ? Math.max(0, digits - 2) : digits);
  return text.replace("-", MINUS).replace("e-", `e${MINUS}`).replace("e+", "e");
}

/** @param {number | null | undefined} value */
export function percent(value) {
  return value === null || value === undefined || !Number.isFinite(value) ? "–" : `${(100 * value).toFixed(1)} %`;
}

/** A number that somebody typed, with a decimal point or a comma; NaN where the text is none. @param {string} text */
export function readNumber(text) {
  const plain = text.trim().replace(MINUS, "-").replace(",", ".");
  return plain === "" ? NaN : Number(plain);
}

/** A number in six digits, as one would type it. @param {number} value */
export function typed(value) {
  return String(Number(value.toPrecision(6)));
}

/** Round marks between two ends, at most `most` of them. @param {number} low @param {number} high @param {number} most */
export function ticks(low, high, most) {
  const raw = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw) ?? raw;
  const marks = [];
  const end = high + step * 1e-9;
  for (let mark = Math.ceil(low / step) * step; mark <= end; mark += step) marks.push(Math.abs(mark) < step * 1e-9 ? 0 : mark);
  return marks;
}

/** @param {number} mark */
export function tickText(mark) {
  return String(Number(mark.toPrecision(4))).replace("-", MINUS);
}
