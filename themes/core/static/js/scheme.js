// Light or dark: the system decides until the visitor does; the choice stays in this browser.
(() => {
  const root = document.documentElement;
  const stored = () => {
    try { return localStorage.getItem("scheme"); } catch { return null; }
  };
  const choice = stored();
  if (choice === "light" || choice === "dark") root.dataset.scheme = choice;

  const isDark = () => {
    const scheme = getComputedStyle(root).colorScheme;
    return scheme === "dark" || (scheme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-scheme-toggle]")) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(isDark()));
      button.addEventListener("click", () => {
        const next = isDark() ? "light" : "dark";
        root.dataset.scheme = next;
        button.setAttribute("aria-pressed", String(next === "dark"));
        try { localStorage.setItem("scheme", next); } catch { /* Private windows may refuse; the page still changes. */ }
        document.dispatchEvent(new Event("schemechange"));
      });
    }
  });
})();
