/** Take it away: code, files for other libraries, the document, pictures; and a document opened again. */
import { dialog } from "./dialog.js";
import { download, h } from "./dom.js";
import { icon } from "./icons.js";
import { bytesOf } from "./store.js";

const KINDS = ["python", "safetensors", "onnx", "sklearn", "torch", "numpy", "document"];

/** @param {import("./store.js").Store} store @param {{plane: () => void, network: () => void}} pictures */
export function exportButton(store, pictures) {
  const file = h("input", { type: "file", accept: ".json,application/json", hidden: true, "data-testid": "document-file" });
  file.addEventListener("change", () => {
    if (file.files?.[0]) openDocument(store, file.files[0]);
    file.value = "";
  });
  document.body.append(file);
  addEventListener("drop", (event) => {
    const dropped = event.dataTransfer?.files[0];
    if (dropped?.name.endsWith(".json")) openDocument(store, dropped);
  });
  store.on("file", ({ name, type, base64 }) => download(name, new Blob([bytesOf(base64)], { type })));
  const open = () => {
    const entry = (/** @type {string} */ kind, /** @type {() => void} */ action) => h("button", { type: "button", class: "export-entry", "data-testid": `export-${kind}`, onclick: action }, h("b", { t: `export.${kind}` }), h("span", { class: "hint", t: `export.${kind}.tip` }));
    dialog(
      "export.title",
      [
        h("div", { class: "export-list" }, ...KINDS.map((kind) => entry(kind, () => store.do("export", { to: kind }))), entry("png", pictures.plane), entry("svg", pictures.network)),
        h("div", { class: "actions" }, h("button", { type: "button", t: "export.open", "data-testid": "export-open", onclick: () => file.click() })),
      ],
      "export-dialog",
    );
  };
  return h("button", { type: "button", "data-testid": "export", "data-hide": "export", onclick: open }, icon("download", 18), h("span", { t: "export" }));
}

/** @param {import("./store.js").Store} store @param {File} file */
async function openDocument(store, file) {
  for (const shown of document.querySelectorAll("dialog")) shown.close();
  if (/\.csv$/i.test(file.name)) return dispatchEvent(new CustomEvent("table", { detail: file }));
  const found = parsed(await file.text());
  if (found) store.open(found);
  else store.tell("error", { key: "document.broken", vars: { name: file.name } });
}

/** The object that a text of JSON holds; null if it holds none. @param {string} text @returns {object | null} */
function parsed(text) {
  try {
    const found = JSON.parse(text);
    return typeof found === "object" ? found : null;
  } catch {
    return null;
  }
}
