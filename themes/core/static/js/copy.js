// Copy buttons: shown only where this script runs and the browser has a clipboard; the text can always be selected.
(() => {
  if (!navigator.clipboard) return;
  for (const box of document.querySelectorAll("[data-copy]")) {
    const button = box.querySelector("[data-copy-button]");
    const text = box.querySelector("[data-copy-text]");
    const news = box.querySelector("[data-copy-news]");
    const words = button.firstChild.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent.trim());
      } catch {
        getSelection().selectAllChildren(text); // Refused: what is selected can be copied by hand.
        return;
      }
      button.firstChild.textContent = button.dataset.done;
      button.dataset.state = "done";
      news.textContent = button.dataset.done;
      setTimeout(() => {
        button.firstChild.textContent = words;
        delete button.dataset.state;
        news.textContent = "";
      }, 2000);
    });
  }
})();
