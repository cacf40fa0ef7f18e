// On a wide screen a receipt opens beside the list; elsewhere, and with any modifier key, the link is followed.
(() => {
  const wide = matchMedia("(min-width: 64rem)");
  const receipt = document.getElementById("receipt");

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-receipt]");
    if (!link || !receipt || !window.htmx || !wide.matches || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    document.querySelector("[data-receipt][aria-current]")?.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    window.htmx.ajax("GET", link.getAttribute("href"), { target: "#receipt", swap: "innerHTML" }).then(() => {
      receipt.scrollTop = 0;
      receipt.focus({ preventScroll: true });
    });
  });
})();
