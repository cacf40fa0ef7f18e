// The live desk: rows arrive as finished HTML over server-sent events and replace or join the list.
(() => {
  const feed = document.querySelector(".feed[data-live]");
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
