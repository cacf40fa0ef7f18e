// The live desk: rows arrive as finished HTML over server-sent events and replace or join the list.
(() => {
  const wide = matchMedia("(min-width: 64rem)");
  const receipt = document.getElementById("receipt");

  // On a wide screen a receipt opens beside the list; elsewhere, and with any modifier key, the link is followed.
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

  const feed = document.querySelector("[data-live]");
  if (!feed) return;
  const rows = feed.querySelector("[data-feed]");
  const news = feed.querySelector("[data-feed-news]");
  const state = document.querySelector(".live");
  const button = document.querySelector("[data-live-pause]");
  let source = null;

  const show = (name) => {
    if (!state) return;
    state.hidden = false;
    state.dataset.liveState = name;
    state.textContent = state.dataset[name];
  };

  const place = (html) => {
    const box = document.createElement("template");
    box.innerHTML = html.trim();
    const row = box.content.firstElementChild;
    if (!row) return;
    const old = document.getElementById(row.id);
    if (old) {
      const focused = old.contains(document.activeElement);
      if (old.querySelector("[aria-current]")) row.querySelector("[data-receipt]").setAttribute("aria-current", "true");
      old.replaceWith(row);
      if (focused) row.querySelector("[data-receipt]").focus({ preventScroll: true });
      return;
    }
    row.classList.add("signal--new");
    rows.prepend(row);
    while (rows.children.length > Number(feed.dataset.keep)) rows.lastElementChild.remove();
    feed.querySelector("[data-feed-empty]").hidden = true;
    news.textContent = row.dataset.say;
  };

  const open = () => {
    source = new EventSource(feed.dataset.live);
    source.addEventListener("open", () => show("on"));
    source.addEventListener("error", () => show("off"));
    source.addEventListener("signal", (event) => place(event.data));
  };

  const toggle = () => {
    if (source) { source.close(); source = null; show("paused"); } else open();
    button.textContent = source ? button.dataset.pause : button.dataset.resume;
  };
  if (button) { button.hidden = false; button.addEventListener("click", toggle); }
  window.addEventListener("pagehide", () => source?.close());
  open();
})();
