/** Light or dark: the system's wish until the reader chooses; the choice is kept. */
import { setShade } from "./colours.js";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** @returns {"light" | "dark"} */
export function theme() {
  const kept = localStorage.getItem("handgrad.theme");
  return kept === "light" || kept === "dark" ? kept : dark.matches ? "dark" : "light";
}

function apply() {
  document.documentElement.dataset.theme = theme();
  setShade(theme());
}

/** @param {() => void} changed */
export function startTheme(changed) {
  apply();
  dark.addEventListener("change", () => {
    apply();
    changed();
  });
}

export function toggleTheme() {
  localStorage.setItem("handgrad.theme", theme() === "dark" ? "light" : "dark");
  apply();
}
