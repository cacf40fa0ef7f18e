// Lays an interactive chart over the server's SVG. Without script, data or library, the SVG stays.
(async () => {
  const figure = document.querySelector("[data-chart]");
  if (!figure || !window.uPlot || !window.timeAxis) return;
  const plot = figure.querySelector(".equity__plot");
  const answer = await fetch(figure.dataset.chart).catch(() => null);
  if (!answer?.ok) return;
  const data = await answer.json();
  if (!data.at || data.at.length < 2) return;

  // A canvas needs plain colors: let the browser resolve what the tokens mean in this scheme.
  const paint = (token) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${token})`;
    figure.append(probe);
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
  };
  const locale = new Intl.Locale(figure.dataset.locale, { numberingSystem: "latn" });  // As everywhere on the page.
  const axes = window.timeAxis(locale, figure.dataset.zone);
  const lowest = Math.min(...data.equity);
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
  const percent = new Intl.NumberFormat(locale, { style: "percent", minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const money = (_, value) => (value == null ? "–" : number.format(value));
  const depth = (_, value) => (value == null ? "–" : percent.format(value));

  const size = () => ({ width: plot.clientWidth, height: plot.clientHeight - 28 }); // Leaves a line to the legend.
  let chart = null;
  const draw = () => {
    chart?.destroy();
    plot.replaceChildren();
    const ink = paint("--ink-7");
    const grid = { stroke: paint("--paper-4"), width: 1 };
    // On a phone the axes leave the plot its room.
    const narrow = plot.clientWidth < 480;
    const axis = { stroke: ink, grid, ticks: grid, font: "12px sans-serif" };
    chart = new window.uPlot({
      ...size(),
      tzDate: axes.tzDate,
      // Equity keeps the upper two thirds, drawdown hangs from the line below it.
      scales: {
        equity: { range: (_, low, high) => [low - (high - low || 1) * 0.6, high + (high - low || 1) * 0.05] },
        depth: { range: (_, low) => [Math.min(low, -0.001), -Math.min(low, -0.001) * 2] },
      },
      axes: [
        { ...axis, size: 32, space: narrow ? 72 : 88, values: axes.values },  // As wide as a month and its year in Arabic.
        { ...axis, scale: "equity", size: narrow ? 44 : 70, values: (_, ticks) => ticks.map((tick) => (tick < lowest ? "" : number.format(tick))) },
        { ...axis, scale: "depth", side: 1, size: narrow ? 48 : 64, grid: { show: false }, ticks: { show: false }, values: (_, ticks) => ticks.map((tick) => (tick <= 0 ? percent.format(tick) : "")) },
      ],
      series: [
        { label: figure.dataset.time, value: axes.moment },
        { label: figure.dataset.equity, scale: "equity", stroke: paint("--brand-ink"), width: 2, value: money, points: { show: false } },
        { label: figure.dataset.drawdown, scale: "depth", stroke: paint("--down-ink"), fill: paint("--depth-fill"), width: 1, value: depth, points: { show: false } },
      ],
    }, [data.at, data.equity, data.drawdown.map((value) => -Math.abs(value))], plot);
  };
  draw();
  document.addEventListener("schemechange", draw);
  new ResizeObserver(() => chart.setSize(size())).observe(plot);
})();
