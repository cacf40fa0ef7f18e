// Labels of a chart's time axis: hours, days or months by how far its ticks are apart, in the reader's time zone.
// Each names what tells it from its neighbors: midnight is told as the day that begins with it.
window.timeAxis = (locale, zone) => {
  const DAY = 86400, timeZone = zone || undefined;
  const words = (options, language = locale) => new Intl.DateTimeFormat(language, { timeZone, ...options });
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const hour = words(time), second = words({ ...time, second: "2-digit" });
  const day = words({ day: "numeric", month: "short" }), month = words({ month: "short", year: "numeric" });
  const plain = words(time, "en");
  const label = (step) => (at) => {
    const moment = at * 1000;
    if (step >= 28 * DAY) return month.format(moment);
    if (step >= DAY || plain.format(moment) === "00:00") return day.format(moment);
    return (step < 60 ? second : hour).format(moment);
  };
  const exact = words({ dateStyle: "medium", timeStyle: "short" });
  return {
    // For uPlot: its ticks fall on the hours and midnights of this zone.
    tzDate: (at) => (timeZone ? window.uPlot.tzDate(new Date(at * 1000), timeZone) : new Date(at * 1000)),
    values: (_plot, ticks, _axis, _space, step) => ticks.map(label(step)),
    moment: (_plot, at) => (at == null ? "–" : exact.format(at * 1000)),
  };
};
