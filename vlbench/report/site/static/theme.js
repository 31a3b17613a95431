"use strict";
/* Runs before the body: the theme chosen earlier, and the name under which data files hand over. */
window.vlbench = {};
document.documentElement.classList.add("scripted");
(function () {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try {
    chosen = localStorage.getItem("vlbench-theme");
  } catch (error) {
    chosen = null; /* storage is switched off: the system's theme holds */
  }
  if (chosen) root.dataset.theme = chosen;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  document.addEventListener("DOMContentLoaded", function () {
    const button = document.getElementById("theme");
    const show = () => button.setAttribute("aria-pressed", String(isDark()));
    show();
    dark.addEventListener("change", show);
    button.addEventListener("click", function () {
      root.dataset.theme = isDark() ? "light" : "dark";
      try {
        localStorage.setItem("vlbench-theme", root.dataset.theme);
      } catch (error) {
        /* the choice holds for this page alone */
      }
      show();
    });
  });
})();
