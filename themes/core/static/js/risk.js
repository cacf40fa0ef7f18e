// The risk desk: asks for its figures anew every few seconds, and at once when the stream says that something was done.
(() => {
  const box = document.querySelector("[data-risk]");
  if (!box || !window.htmx) return;
  const state = document.querySelector(".live");
  const every = 5000;
  let busy = false;
  let again = false;

  const show = (name) => {
    if (!state) return;
    state.hidden = false;
    state.dataset.liveState = name;
    state.textContent = state.dataset[name];
  };

  const refresh = async () => {
    if (document.hidden) return;
    if (busy) { again = true; return; }
    busy = true;
    try {
      await window.htmx.ajax("GET", box.dataset.risk, { source: box, target: box, swap: "innerHTML" });
    } catch { /* The figures stay, with their age; the next round tries again. */ }
    busy = false;
    if (again) { again = false; refresh(); }
  };

  box.addEventListener("htmx:before:response", (event) => {
    const { status } = event.detail.ctx.response;
    show(status < 400 ? "on" : "off");
    if (status !== 403) return;
    // The link has ended: the page itself says how to get a new one.
    event.preventDefault();
    location.reload();
  });
  box.addEventListener("htmx:error", () => show("off"));
  document.addEventListener("visibilitychange", refresh);
  setInterval(refresh, every);

  const source = new EventSource(box.dataset.live);
  source.addEventListener("open", () => show("on"));
  source.addEventListener("risk", refresh);
  window.addEventListener("pagehide", () => source.close());
})();
