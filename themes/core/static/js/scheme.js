// Light or dark: the system decides until the visitor does; the choice stays in this browser. What the account prefers
// (data-scheme-own) stands on the page already; a choice made here holds until that preference changes.
(() => {
  const root = document.documentElement;
  const own = root.dataset.schemeOwn ?? "";
  const stored = (name) => {
    try { return localStorage.getItem(name); } catch { return null; }
  };
  const choice = stored("scheme");
  const forget = () => {
    try { localStorage.removeItem("scheme"); } catch { /* There is nothing to forget. */ }
  };
  if ((stored("scheme-over") ?? "") !== own) forget();
  else if (choice === "light" || choice === "dark") root.dataset.scheme = choice;

  const isDark = () => {
    const scheme = getComputedStyle(root).colorScheme;
    return scheme === "dark" || (scheme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector("[data-scheme-form]")?.addEventListener("submit", forget);
    for (const button of document.querySelectorAll("[data-scheme-toggle]")) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(isDark()));
      button.addEventListener("click", () => {
        const next = isDark() ? "light" : "dark";
        root.dataset.scheme = next;
        button.setAttribute("aria-pressed", String(next === "dark"));
        try {
          localStorage.setItem("scheme", next);
          localStorage.setItem("scheme-over", own);
        } catch { /* Private windows may refuse; the page still changes. */ }
        document.dispatchEvent(new Event("schemechange"));
      });
    }
  });
})();
