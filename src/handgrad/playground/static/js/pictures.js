/** Pictures to take away: the plane as PNG, the network as SVG. */
import { css, paper, shade } from "./colours.js";
import { download } from "./dom.js";

/** @param {HTMLCanvasElement} field @param {HTMLCanvasElement} overlay */
export function planePng(field, overlay) {
  const canvas = document.createElement("canvas");
  canvas.width = overlay.width;
  canvas.height = overlay.height;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const ratio = overlay.width / overlay.clientWidth;
  pen.fillStyle = shade === "dark" ? "#1b1f26" : "#ffffff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(field, field.offsetLeft * ratio, field.offsetTop * ratio, field.offsetWidth * ratio, field.offsetHeight * ratio);
  pen.drawImage(overlay, 0, 0);
  canvas.toBlob((blob) => blob && download("plane.png", blob));
}

/** @param {HTMLElement} card the network's card */
export function networkSvg(card) {
  const links = card.querySelector("svg.links");
  const board = card.querySelector(".board");
  if (!links || !(board instanceof HTMLElement)) return;
  const ink = shade === "dark" ? "#e8e9ec" : "#1c2230";
  const parts = [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${board.offsetWidth} ${board.offsetHeight}" font-family="sans-serif" font-size="13">`, `<rect width="100%" height="100%" fill="${shade === "dark" ? "#1b1f26" : "#ffffff"}"/>`];
  for (const link of links.querySelectorAll(".link")) {
    const { stroke, strokeWidth, strokeOpacity } = /** @type {SVGPathElement} */ (link).style;
    const dash = link.closest(".frozen") ? ' stroke-dasharray="6 5"' : "";
    parts.push(`<path d="${link.getAttribute("d")}" fill="none" stroke="${stroke}" stroke-width="${strokeWidth}" stroke-opacity="${strokeOpacity}"${dash}/>`);
  }
  for (const unit of /** @type {NodeListOf<HTMLElement>} */ (card.querySelectorAll(".unit"))) {
    const canvas = unit.querySelector("canvas");
    const box = `x="${unit.offsetLeft}" y="${unit.offsetTop}" width="${unit.offsetWidth}" height="${unit.offsetHeight}"`;
    parts.push(`<image ${box} preserveAspectRatio="none" href="${canvas?.toDataURL()}"/><rect ${box} rx="7" fill="none" stroke="${ink}"/>`);
    const name = unit.querySelector(".name");
    const after = name?.classList.contains("after");
    if (name) parts.push(`<text fill="${ink}" text-anchor="${after ? "start" : "end"}" x="${after ? unit.offsetLeft + unit.offsetWidth + 6 : unit.offsetLeft - 6}" y="${unit.offsetTop + unit.offsetHeight / 2 + 4}">${escaped(name.textContent ?? "")}</text>`);
  }
  for (const bias of /** @type {NodeListOf<HTMLElement>} */ (card.querySelectorAll(".bias"))) parts.push(`<rect x="${bias.offsetLeft}" y="${bias.offsetTop}" width="13" height="13" rx="3" fill="${bias.style.backgroundColor || css(paper())}" stroke="${ink}"/>`);
  for (const head of /** @type {NodeListOf<HTMLElement>} */ (card.querySelectorAll(".head"))) {
    const title = head.querySelector(".title")?.textContent ?? "";
    const chosen = head.querySelector("select");
    parts.push(`<text fill="${ink}" text-anchor="middle" font-weight="600" x="${head.offsetLeft}" y="17">${escaped(title)}</text>`);
    if (chosen) parts.push(`<text fill="${ink}" text-anchor="middle" x="${head.offsetLeft}" y="36">${escaped(chosen.selectedOptions[0]?.textContent ?? "")}</text>`);
  }
  download("network.svg", new Blob([...parts, "</svg>"], { type: "image/svg+xml" }));
}

/** @param {string} text */
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
