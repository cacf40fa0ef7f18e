// Keeps "12 seconds ago" true while the page stays open.
(() => {
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always", numberingSystem: "latn" });
  const steps = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

  const refresh = () => {
    if (document.hidden) return;
    for (const time of document.querySelectorAll("[data-feed] time, [data-ages] time")) {
      const passed = Math.max((Date.now() - Date.parse(time.dateTime)) / 1000, 0);
      const [unit, size] = steps.find(([, seconds]) => passed >= seconds * 1.2) ?? steps.at(-1);
      const text = words.format(-Math.round(passed / size), unit);
      if (time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(refresh, 5000);
})();
