/** The page put together: one store, panels that listen to it, and words in the reader's language. */
import { banners } from "./banner.js";
import { Brush } from "./brush.js";
import { controls } from "./controls.js";
import { curves } from "./curves.js";
import { dataPanel } from "./data.js";
import { doctor } from "./doctor.js";
import { h, reword } from "./dom.js";
import { exportButton } from "./export.js";
import { hideButton } from "./hide.js";
import { fetchLesson, lessons, opened } from "./lessons.js";
import { documentOfAddress } from "./link.js";
import { network } from "./network.js";
import { networkSvg, planePng } from "./pictures.js";
import { plane } from "./plane.js";
import { closePopover } from "./popover.js";
import { keep, kept } from "./resume.js";
import { shareButton } from "./share.js";
import { Store } from "./store.js";
import { startTheme } from "./theme.js";
import { topbar } from "./topbar.js";
import { trainingPanel } from "./training.js";
import { preferred, speak } from "./words.js";
import { workbench } from "./workbench.js";

/** @param {Store} store */
function build(store) {
  const brush = new Brush(store);
  const output = plane(store, brush);
  const drawing = network(store, output.look);
  const bench = workbench(store);
  const teaching = lessons(store, bench.perform);
  const pictures = { plane: () => planePng(output.field, output.overlay), network: () => networkSvg(drawing) };
  document.body.append(
    topbar(store, teaching.select, shareButton(store), exportButton(store, pictures), hideButton(store)),
    h("div", { class: "stuck" }, controls(store), banners(store)),
    h(
      "main",
      { id: "main", tabindex: "-1" },
      h("div", { class: "left" }, dataPanel(store, brush), trainingPanel(store)),
      h("div", { class: "centre" }, teaching.card, drawing, doctor(store), bench.card),
      h("div", { class: "right" }, output.card, curves(store)),
    ),
  );
}

/** @typedef {{document: object | null, wrong?: {key: string, vars?: Record<string, any>}}} Asked */

/** The document that the address holds, or what is wrong with it. @returns {Promise<Asked>} */
async function linked() {
  try {
    return { document: await documentOfAddress() };
  } catch {
    return { document: null, wrong: { key: "link.broken" } };
  }
}

/**
 * What the page is to begin with: what it held before it was loaded again, the address's document, or the lesson that
 * it names.
 * @returns {Promise<Asked>}
 */
async function wanted() {
  const held = kept();
  if (held) return { document: held };
  const asked = await linked();
  const name = new URLSearchParams(location.search).get("lesson");
  if (asked.document || asked.wrong || !name) return asked;
  const lesson = await fetchLesson(name).catch(() => null);
  return lesson ? { document: opened(lesson, null, name) } : { document: null, wrong: { key: "lesson.unknown", vars: { name } } };
}

async function start() {
  const store = new Store();
  Object.defineProperty(window, "handgrad", { value: Object.freeze({ store }) });
  startTheme(() => store.tell("theme"));
  const [asked] = await Promise.all([wanted(), speak(preferred())]);
  store.opening = asked.document ?? {};
  build(store);
  if (asked.wrong) store.tell("error", asked.wrong);
  store.on("language", () => reword(document));
  store.on("opening", () => closePopover());
  addEventListener("pagehide", () => store.held && keep(store.held));
  addEventListener("hashchange", async () => {
    const next = await linked();
    if (next.document) store.open(next.document);
    if (next.wrong) store.tell("error", next.wrong);
  });
  store.connection.open();
}

start();
