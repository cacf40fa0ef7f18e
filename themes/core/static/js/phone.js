// Registers the service worker, says since when a kept page stands, and lends the phone's own way of sharing, or copies the link.
(() => {
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/worker.js", { scope: "/" }).catch(() => {});

  const show = () => {
    const kept = document.querySelector('meta[name="kept-at"]'), note = document.querySelector("[data-offline-note]");
    if (kept && note) {
      const at = new Date(kept.content);
      const said = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short", numberingSystem: "latn" });
      const time = note.querySelector("time");
      time.dateTime = at.toISOString();
      time.textContent = said.format(at);
      note.hidden = false;
    }
    for (const button of document.querySelectorAll("[data-share]")) {
      if (!navigator.share && !navigator.clipboard) continue;
      button.hidden = false;
      const link = location.origin + location.pathname;
      const copy = () => navigator.clipboard.writeText(link).then(() => { button.textContent = button.dataset.share; });
      const share = () => navigator.share({ title: document.title, url: link });
      button.addEventListener("click", () => (navigator.share ? share() : copy()).catch(() => {}));
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", show);
  else show();
})();
