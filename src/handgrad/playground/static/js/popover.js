/** One small card that opens beside what it speaks about; Escape or a click elsewhere closes it. */
import { h } from "./dom.js";
import { iconButton } from "./fields.js";

/** @type {{card: HTMLElement, anchor: Element, closed: () => void} | null} */
let open = null;

/**
 * @param {Element} anchor @param {string} key the card's name @param {(Node | null)[]} content
 * @param {{vars?: Record<string, any>, testid?: string, closed?: () => void, wide?: boolean}} [options]
 */
export function popover(anchor, key, content, options = {}) {
  closePopover();
  const title = h("h3", { t: key, vars: options.vars });
  const close = iconButton("close", "close", () => closePopover(true), { class: "mini", size: 16 });
  const card = h(
    "div",
    {
      class: options.wide ? "popover wide" : "popover",
      role: "dialog",
      tLabel: key,
      vars: options.vars,
      "data-testid": options.testid ?? "popover",
    },
    h("div", { class: "popover-head" }, title, close),
    ...content,
  );
  document.body.append(card);
  open = { card, anchor, closed: options.closed ?? (() => {}) };
  place();
  const first = card.querySelector("input, select, textarea") ?? card.querySelector("button");
  if (first instanceof HTMLElement) first.focus({ preventScroll: true });
  if (first instanceof HTMLInputElement && first.type === "text") first.select();
  return card;
}

function place() {
  if (!open) return;
  const { card } = open;
  const at = (standing(open.anchor) ?? open.anchor).getBoundingClientRect();
  const width = card.offsetWidth;
  const height = card.offsetHeight;
  const left = Math.max(8, Math.min(innerWidth - width - 8, at.left + at.width / 2 - width / 2));
  const middle = at.top + Math.min(at.height, 60);
  const below = middle + 10 + height < innerHeight;
  card.style.left = `${left + scrollX}px`;
  card.style.top = `${Math.max(8, below ? middle + 10 : Math.max(8, at.top - height - 10)) + scrollY}px`;
}

/** What a card was opened from, or what has been drawn in its place since. @param {Element} anchor */
function standing(anchor) {
  const mark = anchor.getAttribute("data-testid");
  return anchor.isConnected ? anchor : mark ? document.querySelector(`[data-testid="${CSS.escape(mark)}"]`) : null;
}

/** @param {boolean} [back] whether the focus returns to where it came from */
export function closePopover(back = false) {
  if (!open) return;
  const { card, anchor, closed } = open;
  open = null;
  card.remove();
  closed();
  if (!back) return;
  const again = standing(anchor);
  if (again instanceof HTMLElement || again instanceof SVGElement) again.focus({ preventScroll: true });
}

addEventListener("keydown", (event) => event.key === "Escape" && closePopover(true));
addEventListener("pointerdown", (event) => {
  if (open && event.target instanceof Node && !open.card.contains(event.target)) closePopover();
});
addEventListener("resize", place);
