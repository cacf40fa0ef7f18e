// One stream of live events for a page: parts marked data-live-on are fetched anew, prices marked data-price replaced.
(() => {
  const body = document.body;
  if (!body.dataset.liveMe) return;
  const SETTLE = 150, NOTE_AFTER = 5000, SILENT = 40000, HIDDEN = 30000, WAITS = [2000, 5000, 15000, 60000];
  const EVENTS = ["receipt", "equity", "position", "notice", "signal", "order"];
  const parts = () => document.querySelectorAll("[data-live][data-live-on]");
  const priced = () => [...new Set([...document.querySelectorAll("[data-price]")].map((one) => one.dataset.price))].sort();
  const states = new WeakMap();
  const fetching = new Set();
  let source = null, address = body.dataset.liveMe, last = "", asked = "", tries = 0;
  let heardAt = Date.now(), down = false, gone = false, leaving = false, retry = 0, sleep = 0;

  // A part that somebody types in waits until they are done.
  const inUse = (part) => part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");

  const asks = () => ({ "HX-Request": "true", "HX-Current-URL": location.href });
  const typedIn = (one) => one.type !== "hidden" && one.value !== one.defaultValue;
  // Who is no longer signed in goes to the page for it, once, and comes back here; what somebody has typed is theirs to send.
  const leave = (answer) => {
    const to = !gone && answer.headers.get("HX-Redirect");
    close();
    gone = true;
    if (to && ![...document.querySelectorAll("input, textarea")].some(typedIn)) location.assign(to);
  };

  const put = (part, html) => {
    const box = document.createElement("template");
    box.innerHTML = html.trim();
    const open = [...part.querySelectorAll("details")].map((one) => one.open);
    const focus = part.contains(document.activeElement) ? document.activeElement.id : "";
    const own = box.content.firstElementChild;
    let fresh = part;
    // A fragment may be the part itself, or what is in it.
    if (own && box.content.childElementCount === 1 && own.dataset.live === part.dataset.live) {
      states.set(own, states.get(part));
      part.replaceWith(own);
      fresh = own;
    } else part.replaceChildren(box.content);
    fresh.querySelectorAll("details").forEach((one, at) => { if (open[at]) one.open = true; });
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    window.htmx?.process?.(fresh);
    fresh.dispatchEvent(new CustomEvent("live:fresh", { bubbles: true }));
    if (priced().some((name) => !asked.split(",").includes(name))) open_();
  };

  const refetch = async (part) => {
    const state = states.get(part);
    if (state.busy) { state.again = true; return; }
    if (inUse(part)) { part.addEventListener("focusout", () => refresh(part), { once: true }); return; }
    const abort = new AbortController();
    state.busy = true;
    fetching.add(abort);
    try {
      const answer = await fetch(part.dataset.live, { headers: asks(), signal: abort.signal });
      if (answer.status === 401) leave(answer);
      if (answer.ok && !answer.redirected && answer.status === 200) {
        const html = await answer.text();
        if (part.isConnected && !leaving) put(part, html);
      }
    } catch { /* The part stays; the next event tries again. */ }
    fetching.delete(abort);
    state.busy = false;
    if (state.again) { state.again = false; refresh([...parts()].find((one) => states.get(one) === state)); }
  };

  const refresh = (part) => {
    if (!part || leaving) return;
    if (!states.has(part)) states.set(part, { timer: 0, busy: false, again: false });
    const state = states.get(part);
    clearTimeout(state.timer);
    state.timer = setTimeout(() => refetch(part), SETTLE);
  };

  const told = (kind) => {
    for (const part of parts()) if (kind === "again" || part.dataset.liveOn.split(/\s+/).includes(kind)) refresh(part);
  };

  // As many decimals and the same digits as before, so that nothing moves.
  const written = (text, before) => {
    const digits = before.match(/[.,٫](\p{Nd}+)\D*$/u)?.[1].length ?? 0;
    const numberingSystem = /[٠-٩]/.test(before) ? "arab" : "latn";
    const form = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits, numberingSystem });
    return form.format(Number(text));
  };
  const prices = (found) => {
    for (const one of document.querySelectorAll("[data-price]")) {
      const text = found[one.dataset.price];
      if (text === undefined || !Number.isFinite(Number(text))) continue;
      const next = written(text, one.dataset.sample ?? one.textContent.trim());
      if (one.textContent !== next) one.textContent = next;
    }
  };

  const heard = (event) => {
    heardAt = Date.now();
    tries = 0;
    if (event?.lastEventId) last = event.lastEventId;
    if (down) { down = false; note(); }
  };
  const note = () => {
    const age = Date.now() - heardAt, box = document.querySelector("[data-live-age]");
    if (!box) return;
    box.hidden = !down || age < NOTE_AFTER;
    if (!box.hidden) box.textContent = box.dataset.liveAge.replace("{n}", Math.round(age / 1000));
  };

  const close = () => { source?.close(); source = null; clearTimeout(retry); };
  const open_ = () => {
    close();
    asked = priced().join(",");
    if (leaving || document.hidden || (!asked && !parts().length)) return;
    const query = (asked && `&symbols=${encodeURIComponent(asked)}`) + (last && `&last=${last}`);
    const mine = source = new EventSource(address + query);
    mine.addEventListener("open", () => heard());
    mine.addEventListener("beat", heard);
    mine.addEventListener("again", (event) => { heard(event); told("again"); });
    mine.addEventListener("price", (event) => { heard(event); prices(JSON.parse(event.data)); });
    for (const kind of EVENTS) mine.addEventListener(kind, (event) => { heard(event); told(kind); });
    mine.addEventListener("error", () => {
      down = true;
      // The browser tries again by itself, unless it was refused: then it takes a new address.
      if (mine.readyState === EventSource.CLOSED && mine === source) retry = setTimeout(renew, WAITS[Math.min(tries++, WAITS.length - 1)]);
    });
  };
  const renew = async () => {
    try {
      const answer = await fetch("/account/live", { headers: { Accept: "application/json", ...asks() } });
      if (answer.status === 401) return leave(answer);
      if (answer.redirected || answer.status === 403) return close();
      if (answer.ok) address = (await answer.json()).url || address;
    } catch { /* The connection is down; the next round tries again. */ }
    open_();
  };

  setInterval(() => {
    if (source && Date.now() - heardAt > SILENT) { down = true; open_(); }
    note();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(sleep);
    // A page that nobody looks at keeps its stream for a moment only; what it has missed comes when it is looked at.
    if (document.hidden) sleep = setTimeout(close, HIDDEN);
    else if (!source) renew();
  });
  window.addEventListener("pagehide", () => { leaving = true; close(); fetching.forEach((one) => one.abort()); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) { leaving = gone = false; renew(); told("again"); } });
  open_();
})();
