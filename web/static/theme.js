// Runs before the first paint: the style sheets need to know of scripts and of
// the dark scheme.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => root.classList.toggle("dark", dark.matches);
  root.classList.add("js");
  apply();
  dark.addEventListener("change", apply);
})();
