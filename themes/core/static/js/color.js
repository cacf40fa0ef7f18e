// The browser's own color chooser beside the text of a color; each follows the other.
(() => {
  const written = /^#[0-9a-f]{6}$/i;
  for (const field of document.querySelectorAll("[data-color]")) {
    const chooser = field.querySelector("[data-color-choose]");
    const text = field.querySelector("[data-color-text]");
    chooser.hidden = false;
    chooser.addEventListener("input", () => {
      text.value = chooser.value;
      text.dispatchEvent(new Event("change", { bubbles: true }));
    });
    text.addEventListener("input", () => {
      if (written.test(text.value)) chooser.value = text.value;
    });
  }
})();
