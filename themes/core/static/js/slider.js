// A slider's value in words as it moves: the digits of what the page wrote are replaced, its unit stays.
(() => {
  const figure = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2, numberingSystem: "latn" });
  for (const slider of document.querySelectorAll("[data-slider]")) {
    const shown = slider.querySelector("[data-slider-value]");
    slider.querySelector("input").addEventListener("input", ({ target }) => {
      shown.textContent = shown.textContent.replace(/[\d\u0660-\u0669][\d\u0660-\u0669.,\u066b\u066c\s]*(?=\D|$)/u, `${figure.format(target.valueAsNumber)}\u00a0`);
    });
  }
})();
