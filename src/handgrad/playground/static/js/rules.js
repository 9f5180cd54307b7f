/** Settings written as a rule with parameters, "leaky_relu(slope=0.2)": taken apart and put together. */

/** @param {string} text @returns {{name: string, parameters: Record<string, any>}} */
export function parseRule(text) {
  const [, name, inside] = /^\s*([\w.]+)\s*(?:\((.*)\))?\s*$/.exec(text) ?? [null, text, ""];
  /** @type {Record<string, any>} */
  const parameters = {};
  for (const part of (inside ?? "").split(",")) {
    const [key, value] = part.split("=").map((piece) => piece.trim());
    if (key && value !== undefined) parameters[key] = literal(value);
  }
  return { name: name ?? text, parameters };
}

/** @param {string} value */
function literal(value) {
  if (/^true$/i.test(value)) return true;
  if (/^false$/i.test(value)) return false;
  if (/^(none|null)$/i.test(value)) return null;
  const number = Number(value);
  return value !== "" && !Number.isNaN(number) ? number : value.replace(/^['"]|['"]$/g, "");
}

/** @param {any} value */
function written(value) {
  if (typeof value === "boolean") return value ? "True" : "False";
  return value === null ? "None" : String(value);
}

/** @param {string} name @param {Record<string, any>} parameters those that differ from the defaults */
export function writeRule(name, parameters) {
  const inside = Object.entries(parameters).map(([key, value]) => `${key}=${written(value)}`);
  return inside.length ? `${name}(${inside.join(", ")})` : name;
}

/** A rule's short name for a chooser. @param {Rule | null} rule */
export function ruleName(rule) {
  if (rule === null) return "";
  return typeof rule === "string" ? parseRule(rule).name : "formula";
}

/** What a person reads for a name such as "leaky_relu". @param {string} name */
export const spaced = (name) => name.replaceAll("_", " ");

/** One activation per hidden layer, whatever way the document says it. @param {PlayDocument} document */
export function activations(document) {
  const { activation, hidden_sizes } = document.network;
  return hidden_sizes.map((_, i) => (Array.isArray(activation) ? activation[Math.min(i, activation.length - 1)] ?? "tanh" : activation));
}

/** Writes activations back: one if all are the same. @param {PlayDocument} document @param {Rule[]} rules */
export function setActivations(document, rules) {
  const same = rules.every((rule) => JSON.stringify(rule) === JSON.stringify(rules[0]));
  if (rules.length) document.network.activation = same ? rules[0] : rules;
}
