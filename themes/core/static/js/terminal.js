// Draws the terminal's chart and order book, once a second while somebody looks. Without it, everything else works.
(() => {
  const root = document.querySelector("[data-terminal]");
  if (!root) return;
  const EVERY = 1000, LEVELS = 12;
  const lengths = { "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "1d": 86400 };
  const address = (what, more = "") => `${root.dataset.terminal}/${what}?symbol=${encodeURIComponent(root.dataset.symbol)}${more}`;
  const box = root.querySelector("[data-terminal-chart]");
  const empty = root.querySelector("[data-terminal-empty]");
  const book = root.querySelector("[data-terminal-book]");
  const noBook = root.querySelector("[data-terminal-no-book]");
  const priced = root.querySelector("[data-terminal-px]");
  const locale = new Intl.Locale(box.dataset.locale || "en", { numberingSystem: "latn" });
  const number = new Intl.NumberFormat(locale, { maximumSignificantDigits: 8 });
  const axes = window.timeAxis(locale, box.dataset.zone);
  const sources = root.querySelectorAll("[data-terminal-from]");
  const fetched = async (what, more) => {
    const answer = await fetch(address(what, more), { headers: { Accept: "application/json" } }).catch(() => null);
    return answer?.ok && !answer.redirected ? answer.json() : null;
  };

  // A canvas needs plain colors: let the browser resolve what the tokens mean in this scheme.
  const paint = (token) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${token})`;
    box.append(probe);
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
  };
  // A stick from lowest to highest and a body from open to close, as wide as the minutes allow.
  const candles = (plot) => {
    const [at, close, open, high, low] = plot.data, pen = plot.ctx;
    if (!at.length) return;
    const up = paint("--up-ink"), down = paint("--down-ink");
    const beside = Math.abs(plot.valToPos(at[0] + lengths[box.dataset.interval], "x", true) - plot.valToPos(at[0], "x", true));
    const width = Math.max(1, Math.min(9, beside * 0.6));
    pen.save();
    pen.beginPath();
    pen.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
    pen.clip();
    at.forEach((moment, one) => {
      const x = Math.round(plot.valToPos(moment, "x", true));
      const y = (value) => Math.round(plot.valToPos(value, "y", true));
      pen.fillStyle = pen.strokeStyle = close[one] >= open[one] ? up : down;
      pen.fillRect(x, y(high[one]), 1, Math.max(1, y(low[one]) - y(high[one])));
      const top = y(Math.max(open[one], close[one])), bottom = y(Math.min(open[one], close[one]));
      pen.fillRect(x - width / 2, top, width, Math.max(1, bottom - top));
    });
    pen.restore();
  };
  let chart = null;
  // Below it the legend has a line; on a phone, where nothing hovers and five figures need more, there is none.
  const wide = box.clientWidth >= 480;
  const size = () => ({ width: box.clientWidth, height: box.clientHeight - (wide ? 28 : 0) });
  const draw = (data) => {
    chart?.destroy();
    box.replaceChildren();
    const grid = { stroke: paint("--paper-4"), width: 1 };
    const axis = { stroke: paint("--ink-7"), grid, ticks: grid, font: "12px sans-serif" };
    const value = (_, told) => (told == null ? "–" : number.format(told));
    const range = (_, low, high) => [low - (high - low || low * 0.001) * 0.08, high + (high - low || high * 0.001) * 0.08];
    chart = new window.uPlot({
      ...size(),
      tzDate: axes.tzDate,
      legend: { show: wide },
      scales: { y: { range } },
      axes: [
        { ...axis, size: 32, space: 64, values: axes.values },
        { ...axis, side: 1, size: 80, values: (_, ticks) => ticks.map((tick) => number.format(tick)) },
      ],
      series: [
        { label: box.dataset.time, value: axes.moment },
        ...["close", "open", "high", "low"].map((name) => ({ label: box.dataset[name], value, stroke: "transparent", points: { show: false } })),
      ],
      hooks: { draw: [candles] },
    }, data, box);
  };
  const market = async () => {
    const interval = box.dataset.interval, told = await fetched("market", `&interval=${interval}`);
    if (!told || interval !== box.dataset.interval) return;
    sources.forEach((one) => { one.hidden = one.dataset.terminalFrom !== told.from; });
    if (told.px !== null) priced.textContent = number.format(Number(told.px));
    empty.hidden = told.at.length > 0;
    box.hidden = !told.at.length;
    if (!told.at.length || !window.uPlot) return;
    const data = [told.at, told.close, told.open, told.high, told.low];
    if (chart) chart.setData(data);
    else draw(data);
  };

  // Every figure of a column has as many decimals as the finest of them, so that they stand below each other.
  const column = (texts) => {
    const digits = Math.max(0, ...texts.map((text) => (text.split(".")[1] ?? "").length));
    const form = new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return (text) => form.format(Number(text));
  };
  const row = (level, deepest, told) => {
    const line = document.createElement("tr"), px = document.createElement("td"), qty = document.createElement("td");
    px.className = "levels__px num";
    px.textContent = told.px(level[0]);
    qty.className = "levels__qty right num";
    qty.textContent = told.qty(level[1]);
    const share = (Number(level[1]) / deepest) * 100;
    qty.insertAdjacentHTML("beforeend", `<svg class="levels__bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true"><rect x="${100 - share}" width="${share}" height="1"/></svg>`);
    line.append(px, qty);
    return line;
  };
  const levels = async () => {
    const told = await fetched("book");
    if (!told) return;
    const known = told.asks.length + told.bids.length > 0;
    book.hidden = !known;
    noBook.hidden = known;
    if (!known) return;
    const asks = told.asks.slice(0, LEVELS), bids = told.bids.slice(0, LEVELS);
    const deepest = Math.max(...[...asks, ...bids].map((one) => Number(one[1])), Number.MIN_VALUE);
    const shown = [...asks, ...bids], form = { px: column(shown.map((one) => one[0])), qty: column(shown.map((one) => one[1])) };
    book.querySelector(".levels__asks").replaceChildren(...asks.reverse().map((one) => row(one, deepest, form)));
    book.querySelector(".levels__bids").replaceChildren(...bids.map((one) => row(one, deepest, form)));
    const gap = told.asks.length && told.bids.length ? Number(told.asks[0][0]) - Number(told.bids[0][0]) : null;
    book.querySelector("[data-terminal-spread]").textContent = gap === null ? "–" : number.format(gap);
  };
  // The length of the candles: the links work without this as well, but load the page anew.
  const picks = [...root.querySelectorAll("[data-terminal-interval]")];
  const pick = (link) => {
    picks.forEach((one) => one.removeAttribute("aria-current"));
    link.setAttribute("aria-current", "true");
    box.dataset.interval = link.dataset.terminalInterval;
    const kept = document.querySelector("[data-terminal-kept]");
    if (kept) kept.value = box.dataset.interval;
    history.replaceState(null, "", link.href);
    chart?.destroy();
    chart = null;
    market();
  };
  picks.forEach((one) => one.addEventListener("click", (event) => { event.preventDefault(); pick(one); }));

  const turn = async () => {
    if (!document.hidden) await Promise.all([market(), levels()]);
    setTimeout(turn, EVERY);
  };
  turn();
  document.addEventListener("schemechange", () => { chart?.destroy(); chart = null; });
  new ResizeObserver(() => chart?.setSize(size())).observe(box);
})();
