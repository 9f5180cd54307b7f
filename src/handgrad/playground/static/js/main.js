/** The page put together: one store, panels that listen to it, and words in the reader's language. */
import { banners } from "./banner.js";
import { Brush } from "./brush.js";
import { controls } from "./controls.js";
import { curves } from "./curves.js";
import { dataPanel } from "./data.js";
import { h, reword } from "./dom.js";
import { network } from "./network.js";
import { plane } from "./plane.js";
import { Store } from "./store.js";
import { startTheme } from "./theme.js";
import { topbar } from "./topbar.js";
import { trainingPanel } from "./training.js";
import { preferred, speak } from "./words.js";

async function start() {
  const store = new Store();
  Object.defineProperty(window, "handgrad", { value: Object.freeze({ store }) });
  startTheme(() => store.tell("theme"));
  await speak(preferred());
  const brush = new Brush(store);
  const output = plane(store, brush);
  const drawing = network(store, output.look);
  document.body.append(
    topbar(store),
    banners(store),
    controls(store),
    h("main", { id: "main" }, h("div", { class: "left" }, dataPanel(store, brush), trainingPanel(store)), h("div", { class: "centre" }, drawing), h("div", { class: "right" }, output.card, curves(store))),
  );
  store.on("language", () => reword(document));
  store.connection.open();
}

start();
