/**
 * The weights as lines: width and colour tell size and sign. A group of weights is one stop of the tab key;
 * within it the arrow keys move from weight to weight, and Enter opens the editor.
 */
import { s } from "./dom.js";
import { signColour } from "./colours.js";

/** @typedef {import("./geometry.js").Geometry} Geometry */
/** @typedef {import("./geometry.js").Column} Column */
/** @typedef {{line: SVGPathElement, hit: SVGPathElement, index: number, mark: string}} Link */
/** @typedef {{name: string, links: Link[], columns: number, most: number}} Bundle */

/**
 * @param {SVGSVGElement} svg @param {Geometry} shape @param {PlayState} state
 * @param {{point: (target: Element | null, parameter: string, index: number[]) => void, open: (target: Element, parameter: string, index: number[]) => void}} actions
 * @returns {Bundle[]}
 */
export function drawLinks(svg, shape, state, actions) {
  svg.replaceChildren();
  /** @type {Bundle[]} */
  const bundles = [];
  shape.columns.forEach((to, i) => {
    const from = shape.columns[i - 1];
    if (!from || !to.layer?.weights || from.kind === "fold") return;
    const parameter = state.parameters.find((one) => one.name === to.layer?.weights);
    if (parameter) bundles.push(bundle(svg, shape, from, to, parameter, actions, state));
  });
  return bundles;
}

/**
 * @param {SVGSVGElement} svg @param {Geometry} shape @param {Column} from @param {Column} to @param {ParameterState} parameter
 * @param {Parameters<typeof drawLinks>[3]} actions @param {PlayState} state @returns {Bundle}
 */
function bundle(svg, shape, from, to, parameter, actions, state) {
  const group = s("g", { class: parameter.frozen ? "bundle frozen" : "bundle", role: "group", "aria-label": parameter.name });
  svg.append(group);
  const image = state.scene.kind === "images" && from.kind === "input";
  const columns = parameter.shape[1];
  /** @type {Link[]} */
  const links = [];
  for (let a = 0; a < from.units; a++) {
    for (let b = 0; b < to.units; b++) {
      const d = curve(from.x + shape.size / 2, from.y[a], to.x - shape.size / 2 - 3, to.y[b]);
      const line = s("path", { d, class: "link" });
      group.append(line);
      if (image) continue;
      const hit = s("path", {
        d, class: "hit", role: "button", tabindex: links.length ? -1 : 0, "aria-label": `${parameter.name} [${a}, ${b}]`, "data-testid": `weight-${parameter.name}-${a}-${b}`,
      });
      const index = [a, b];
      hit.addEventListener("pointerenter", () => actions.point(hit, parameter.name, index));
      hit.addEventListener("pointerleave", () => actions.point(null, parameter.name, index));
      hit.addEventListener("focus", () => actions.point(hit, parameter.name, index));
      hit.addEventListener("blur", () => actions.point(null, parameter.name, index));
      hit.addEventListener("click", () => actions.open(hit, parameter.name, index));
      links.push({ line, hit, index: a * columns + b, mark: "" });
    }
  }
  for (const link of links) group.append(link.hit);
  group.addEventListener("keydown", (event) => steer(event, links, to.units, actions, parameter.name, columns));
  return { name: parameter.name, links, columns, most: Math.max(from.units, to.units) };
}

/** @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
function curve(x0, y0, x1, y1) {
  const bend = (x1 - x0) * 0.45;
  return `M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`;
}

/**
 * @param {KeyboardEvent} event @param {Link[]} links @param {number} across
 * @param {Parameters<typeof drawLinks>[3]} actions @param {string} name @param {number} columns
 */
function steer(event, links, across, actions, name, columns) {
  const now = links.findIndex((link) => link.hit === event.target);
  const move = { ArrowDown: 1, ArrowUp: -1, ArrowRight: across, ArrowLeft: -across }[event.key];
  if (now < 0) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    const { index, hit } = links[now];
    actions.open(hit, name, [Math.floor(index / columns), index % columns]);
  } else if (move) {
    event.preventDefault();
    const next = links[(now + move + links.length) % links.length];
    links[now].hit.setAttribute("tabindex", "-1");
    next.hit.setAttribute("tabindex", "0");
    next.hit.focus();
  }
}

/** Brings the lines up to the weights; a line that would look the same is left alone. @param {Bundle} bundle @param {ArrayLike<number>} values */
export function paintLinks(bundle, values) {
  const widest = bundle.most > 8 ? 4.5 : 7;
  for (const link of bundle.links) {
    const value = values[link.index];
    const size = Math.abs(value);
    const width = 0.4 + widest * (1 - Math.exp(-size / 2.4)); // so that large weights do not drown the drawing
    const step = Math.round(width * 4);
    const mark = `${step}${value < 0 ? "-" : "+"}`;
    if (mark === link.mark) continue;
    link.mark = mark;
    link.line.style.strokeWidth = `${step / 4}`;
    link.line.style.stroke = signColour(value);
    link.line.style.strokeOpacity = String(Math.min(0.95, 0.28 + 0.55 * size).toFixed(2));
  }
}
