/** The transport: run and pause, single steps, reset, seeds, the epoch, and the way back to earlier epochs. */
import { h, isTyped, setText, word } from "./dom.js";
import { iconButton } from "./fields.js";
import { figure } from "./figures.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

const SPEEDS = [1, 5, 15, 30, 60, 100, 0]; // epochs a second; 0: as many as there is time for

/** @param {import("./store.js").Store} store */
export function controls(store) {
  const run = h("button", { type: "button", class: "run", "data-testid": "run", "aria-keyshortcuts": "Space" });
  let running = /** @type {boolean | null} */ (null);
  /** @param {boolean} now */
  const showRunning = (now) => {
    if (running === now) return;
    running = now;
    run.dataset.testid = now ? "pause" : "run";
    run.replaceChildren(icon(now ? "pause" : "run", 26));
    word(run, "tLabel", now ? "control.pause" : "control.run");
    word(run, "tTitle", now ? "control.pause.tip" : "control.run.tip");
  };
  showRunning(false);
  run.addEventListener("click", () => store.do(running ? "pause" : "run"));
  /** @param {"epoch" | "batch"} unit */
  const step = (unit) => store.do("step", { unit });

  const seed = h("span", { class: "figure" });
  const newSeed = () => store.do("reset", { seed: Math.floor(Math.random() * 10_000) });
  const epoch = h("span", { class: "figure epoch", "data-testid": "epoch" }, "0");
  const batch = h("span", { class: "batch" });
  const range = { type: "range", min: 0, max: 0, step: 1, value: "0" };
  const slider = h("input", { ...range, tLabel: "control.rewind", "data-testid": "rewind", id: "rewind" });
  const at = h("span", { class: "figure at" });
  /** @type {number[]} */
  let kept = [];
  let dragging = false;
  /** @type {number | null} */
  let chosen = null;
  slider.addEventListener("pointerdown", () => (dragging = true));
  addEventListener("pointerup", () => (dragging = false));
  slider.addEventListener("input", () => {
    const wanted = kept[Number(slider.value)];
    if (wanted === undefined) return;
    setText(at, t("control.rewind.at", { epoch: wanted }));
    chosen = wanted;
  });
  // on release: what came later is forgotten
  slider.addEventListener("change", () => chosen !== null && store.do("rewind", { epoch: chosen }));

  const option = (/** @type {number} */ value) =>
    value ? h("option", { value }, `${value}`) : h("option", { value: "0", t: "control.speed.most" });
  const speed = h("select", { "data-testid": "speed", id: "speed" }, ...SPEEDS.map(option));
  speed.addEventListener("change", () => store.change((document) => (document.view.speed = Number(speed.value))));

  store.on("state", (state) => {
    setText(seed, String(state.document.seed));
    const wanted = String(state.document.view.speed);
    if (![...speed.options].some((option) => option.value === wanted)) speed.append(h("option", { value: wanted }, wanted));
    speed.value = wanted;
  });
  store.on("frame", (/** @type {Frame} */ { header }) => {
    showRunning(header.running);
    setText(epoch, String(header.epoch));
    setText(batch, header.batch ? t("control.batch", { batch: header.batch, batches: header.batches }) : "");
    kept = header.kept;
    slider.max = String(Math.max(0, kept.length - 1));
    slider.disabled = kept.length < 2;
    if (!dragging) {
      const nearest = kept.findLastIndex((value) => value <= header.epoch);
      slider.value = String(Math.max(0, nearest));
      setText(at, t("control.rewind.at", { epoch: kept[Math.max(0, nearest)] ?? 0 }));
    }
    slider.setAttribute("aria-valuetext", at.textContent ?? "");
  });

  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {Element} */ (event.target);
    if (isTyped(target) || target.closest("dialog")) return;
    if (event.key === " " && !target.matches("body, main, section")) return; // there it presses what has the focus
    const action = { " ": () => run.click(), ".": () => step("epoch"), ",": () => step("batch") }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  /** Accuracy as a share, R² as it is; of a model far worse than none at all only that it is. @param {number} score */
  const shown = (score) => {
    if (store.state?.metric === "accuracy") return `${(100 * score).toFixed(1)} %`;
    return score < -100 ? "R² ≪ 0" : `R² ${figure(score)}`;
  };
  const loss = (/** @type {string} */ name, /** @type {string} */ key) => {
    const value = h("span", { class: "figure loss", "data-testid": `${name}-loss` }, "–");
    const metric = h("span", { class: "figure metric", "data-testid": `${name}-metric` });
    store.on("frame", (/** @type {Frame} */ { header }) => {
      setText(value, figure(header.metrics[`${name}_loss`], 4));
      const score = header.metrics[`${name}_metric`];
      setText(metric, score === null || score === undefined ? "" : shown(score));
    });
    return h("div", { class: `readout ${name}` }, h("span", { class: "caption", t: key }), value, metric);
  };

  const reset = () => store.do("reset", { seed: null });
  const named = (/** @type {string} */ name) => ({ "data-testid": name, "data-hide": name });
  const caption = (/** @type {string} */ key, /** @type {object} */ rest = {}) => ({ class: "caption", t: key, ...rest });
  const dice = iconButton("dice", "control.seed.new", newSeed, { "data-testid": "new-seed" });
  const seeds = h("span", { class: "pair" }, seed, dice);
  return h(
    "section",
    { class: "transport", tLabel: "control.title" },
    h(
      "div",
      { class: "buttons" },
      iconButton("reset", "control.reset", reset, named("reset")),
      run,
      iconButton("step", "control.step", () => step("epoch"), named("step")),
      iconButton("batch", "control.step.batch", () => step("batch"), named("step-batch")),
    ),
    h("div", { class: "readout of-epoch" }, h("span", caption("control.epoch")), epoch, batch),
    loss("train", "loss.train"),
    loss("test", "loss.test"),
    h("div", { class: "readout rewind", "data-hide": "rewind" }, h("label", caption("control.rewind", { for: "rewind" })), slider, at),
    h("div", { class: "readout of-speed", "data-hide": "speed" }, h("label", caption("control.speed", { for: "speed" })), speed),
    h("div", { class: "readout of-seed", "data-hide": "seed" }, h("span", caption("control.seed")), seeds),
  );
}
