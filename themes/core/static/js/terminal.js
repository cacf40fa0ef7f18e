// Draws the terminal's chart and order book, once a second while somebody looks. Without it, everything else works.
(() => {
  const root = document.querySelector("[data-terminal]");
  if (!root) return;
  const EVERY = 1000, LEVELS = 12;
  const address = (what) => `${root.dataset.terminal}/${what}?symbol=${encodeURIComponent(root.dataset.symbol)}`;
  const box = root.querySelector("[data-terminal-chart]");
  const empty = root.querySelector("[data-terminal-empty]");
  const book = root.querySelector("[data-terminal-book]");
  const noBook = root.querySelector("[data-terminal-no-book]");
  const priced = root.querySelector("[data-terminal-px]");
  const locale = new Intl.Locale(box.dataset.locale || "en", { numberingSystem: "latn" });
  const number = new Intl.NumberFormat(locale, { maximumSignificantDigits: 8 });
  const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const fetched = async (what) => {
    const answer = await fetch(address(what), { headers: { Accept: "application/json" } }).catch(() => null);
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
    const width = Math.max(1, Math.min(9, (plot.bbox.width / at.length) * 0.6));
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
  const size = () => ({ width: box.clientWidth, height: box.clientHeight - 28 });
  const draw = (data) => {
    chart?.destroy();
    box.replaceChildren();
    const grid = { stroke: paint("--paper-4"), width: 1 };
    const axis = { stroke: paint("--ink-7"), grid, ticks: grid, font: "12px sans-serif" };
    const value = (_, told) => (told == null ? "–" : number.format(told));
    const range = (_, low, high) => [low - (high - low || low * 0.001) * 0.08, high + (high - low || high * 0.001) * 0.08];
    chart = new window.uPlot({
      ...size(),
      scales: { y: { range } },
      axes: [
        { ...axis, size: 32, values: (_, ticks) => ticks.map((tick) => clock.format(tick * 1000)) },
        { ...axis, side: 1, size: 80, values: (_, ticks) => ticks.map((tick) => number.format(tick)) },
      ],
      series: [
        { label: box.dataset.time, value: (_, at) => (at == null ? "–" : clock.format(at * 1000)) },
        { label: box.dataset.close, value, stroke: "transparent", points: { show: false } },
        { show: false }, { show: true, label: "↑", value, stroke: "transparent", points: { show: false } },
        { show: true, label: "↓", value, stroke: "transparent", points: { show: false } },
      ],
      hooks: { draw: [candles] },
    }, data, box);
  };
  const market = async () => {
    const told = await fetched("market");
    if (!told) return;
    if (told.px !== null) priced.textContent = number.format(Number(told.px));
    empty.hidden = told.at.length > 0;
    box.hidden = !told.at.length;
    if (!told.at.length || !window.uPlot) return;
    const data = [told.at, told.close, told.open, told.high, told.low];
    if (chart) chart.setData(data);
    else draw(data);
  };

  const row = (level, deepest) => {
    const line = document.createElement("tr"), px = document.createElement("td"), qty = document.createElement("td");
    px.className = "levels__px num";
    px.textContent = number.format(Number(level[0]));
    qty.className = "levels__qty right num";
    qty.textContent = number.format(Number(level[1]));
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
    book.querySelector(".levels__asks").replaceChildren(...asks.reverse().map((one) => row(one, deepest)));
    book.querySelector(".levels__bids").replaceChildren(...bids.map((one) => row(one, deepest)));
    const gap = told.asks.length && told.bids.length ? Number(told.asks[0][0]) - Number(told.bids[0][0]) : null;
    book.querySelector("[data-terminal-spread]").textContent = gap === null ? "–" : number.format(gap);
  };
  const turn = async () => {
    if (!document.hidden) await Promise.all([market(), levels()]);
    setTimeout(turn, EVERY);
  };
  turn();
  document.addEventListener("schemechange", () => { chart?.destroy(); chart = null; });
  new ResizeObserver(() => chart?.setSize(size())).observe(box);
})();
