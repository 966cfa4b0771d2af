// What all charts over time share: colours of the page, numbers and times in words, one zoom, one cursor.

const data = JSON.parse(document.getElementById("data").textContent);
const edges = data.edges;
const horizon = edges[edges.length - 1] || 1;
const seconds = edges.slice(0, -1).map((edge, i) => (edges[i + 1] - edge) || 1);
const charts = [];
const sync = uPlot.sync("time");
let zoom = [0, horizon];
let zooming = false;

const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
function clock(s, fine) {
  if (horizon < 180 || fine) return `${s.toLocaleString("en-US", { maximumFractionDigits: 3 })} s`;
  const whole = Math.floor(s), two = n => String(n).padStart(2, "0");
  const rest = s - whole > 0.0005 ? (s - whole).toFixed(3).slice(1).replace(/0+$/, "") : "";
  const [h, m, sec] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (horizon <= 2 * 86400) return (h > 0 ? `${h}:${two(m)}:` : `${m}:`) + two(sec) + rest;
  // Nobody reads 84:00:00.
  const day = `${Math.floor(h / 24)} d`;
  const time = `${two(h % 24)}:${two(m)}` + (sec > 0 || rest ? `:${two(sec)}${rest}` : "");
  return time === "00:00" ? day : `${day} ${time}`;
}

const timeSteps = [.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600,
  7200, 10800, 21600, 43200, 86400, 172800, 259200, 432000, 864000, 8640000, 86400000];

// Half of the last tick's name stands to the right of the plot: `3 d 12:00` is long.
const right = horizon > 2 * 86400 ? 32 : null;

function timeAxis() {
  return {
    stroke: style("--grey"), incrs: timeSteps, space: horizon > 2 * 86400 ? 84 : 64, size: 32, font: "12px system-ui, sans-serif",
    grid: { show: false }, ticks: { stroke: style("--axis"), size: 5 },
    values: (u, splits) => splits.map(s => clock(s)),
  };
}

// An axis names round values: what they end in is no digit that was measured.
const round = value => number(value).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");

// Of a logarithmic axis' many lines those of whole decades are enough, and the last one, so that the greatest value has a
// line near it.
const isDecade = v => Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-9;
function decades(splits) {
  const last = splits.findLastIndex(v => v != null);
  return splits.map((v, i) => v == null || v === 0 || isDecade(v) || (i === last && v / 10 ** Math.floor(Math.log10(v)) >= 2) ? v : null);
}

// Counts have no ticks between whole numbers.
const wholeSteps = Array.from({ length: 12 }, (_, n) => [1, 2, 5].map(step => step * 10 ** n)).flat();

function valueAxis(unit, wide, whole) {
  // Where the axis is short, the library would else hide the name of the last line.
  const only = wide ? { filter: (u, splits) => decades(splits) } : {};
  return {
    stroke: style("--grey"), font: "12px system-ui, sans-serif", size: 62, ...only,
    ...(whole && !wide ? { incrs: wholeSteps } : {}),
    grid: { stroke: style("--grid"), width: 1, ...only },
    ticks: { show: false },
    values: (u, splits) => splits.map(v => v == null || v < 0 ? "" : round(v) + unit),
  };
}

// Fault windows, behind the data: one shade, however many windows meet.
function shade(u) {
  u.ctx.save();
  u.ctx.fillStyle = style("--shade");
  u.ctx.beginPath();
  for (const fault of data.faults) {
    const from = Math.max(u.valToPos(fault.from, "x", true), u.bbox.left);
    const to = Math.min(u.valToPos(fault.to, "x", true), u.bbox.left + u.bbox.width);
    if (to >= from) u.ctx.rect(from, u.bbox.top, Math.max(to - from, 1), u.bbox.height);
  }
  u.ctx.fill();
  u.ctx.restore();
}

function zoomTo(from, to) {
  const least = Math.max(horizon / 1e6, 1e-6);
  const length = Math.min(Math.max(to - from, least), horizon);
  const begin = Math.min(Math.max(from, 0), horizon - length);
  zoom = [begin, begin + length];
  zooming = true;
  for (const chart of charts) if (chart.time) chart.plot.setScale("x", { min: zoom[0], max: zoom[1] });
  zooming = false;
  remember();
}

function followZoom(u, key) {
  if (key !== "x" || zooming || u.scales.x.min == null) return;
  zoomTo(u.scales.x.min, u.scales.x.max);
}

function zoomBy(factor, at) {
  const [from, to] = zoom, middle = at ?? (from + to) / 2;
  zoomTo(middle - (middle - from) * factor, middle + (to - middle) * factor);
}

// The column under the cursor: a value holds from its edge to the next, so the nearest edge may be that of another.
const before = (u, idx, x) => idx > 0 && u.data[0][idx] > x ? idx - 1 : idx;

function columnAt(u) {
  if (u.cursor.idx == null) return null;
  return Math.min(before(u, u.cursor.idx, u.posToVal(u.cursor.left, "x")), seconds.length - 1);
}

// The options of a chart over time; drag zooms, the cursor and the zoom are shared.
function overTime(height, extra) {
  return {
    width: 400, height, legend: { show: false }, padding: [null, right, null, null], ...extra,
    cursor: {
      drag: { x: true, y: false }, points: { size: 6 }, dataIdx: (u, _, idx, x) => before(u, idx, x), ...(extra.cursor || {}),
      sync: { key: "time", scales: ["x", null], filters: { pub: type => type === "mousemove" || type === "mouseleave" } },
    },
    scales: { x: { time: false }, ...(extra.scales || {}) },
    hooks: {
      ...(extra.hooks || {}),
      drawClear: [shade],
      setScale: [followZoom],
    },
  };
}

// Builds a chart into a place, keeps it as wide as the place, and makes it reachable by keyboard.
function place(options, series, parent, title, time) {
  const holder = element("div", { class: "plot", tabindex: "0", role: "img", "aria-label": title });
  parent.append(holder);
  options.width = Math.max(holder.clientWidth, 240);
  const plot = new uPlot(options, series, holder);
  const chart = { plot, time, holder };
  charts.push(chart);
  new ResizeObserver(() => {
    const width = Math.max(holder.clientWidth, 240);
    if (Math.abs(width - plot.width) > 1) plot.setSize({ width, height: plot.height });
  }).observe(holder);
  holder.addEventListener("keydown", event => key(chart, event));
  return plot;
}

function key(chart, event) {
  const { plot, time } = chart;
  const at = plot.cursor.idx;
  const last = plot.data[0].length - 1;
  const move = step => {
    const first = time ? plot.data[0].findIndex(x => x >= zoom[0]) : 0;
    const idx = Math.min(Math.max((at == null ? first - step : at) + step, 0), last);
    const left = plot.valToPos(plot.data[0][idx], "x") + 0.01;
    plot.setCursor({ left, top: plot.bbox.height / devicePixelRatio / 2 }, true, true);
  };
  const does = {
    ArrowRight: () => move(1), ArrowLeft: () => move(-1),
    "+": () => time && zoomBy(0.5, at == null ? null : plot.data[0][at]), "=": () => time && zoomBy(0.5),
    "-": () => time && zoomBy(2), "0": () => time && zoomTo(0, horizon), Escape: () => time && zoomTo(0, horizon),
  }[event.key];
  if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  does();
}
