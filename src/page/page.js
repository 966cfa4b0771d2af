// The charts of this page.

document.documentElement.classList.add("js");
const hidden = new Set();
const bandColor = band => data.bands[band].name === "no answer" ? style("--dark-band") : data.bands[band].color;
const present = data.bands.map((_, band) => data.policies.some(policy => policy.bands[band].some(n => n > 0)));
const stepped = uPlot.paths.stepped({ align: 1 });
const closed = values => [...values, values.length > 0 ? values[values.length - 1] : 0];

function keyRow(parent) {
  const keys = element("ul", { class: "keys" });
  parent.append(keys);
  return keys;
}

function swatch(color) {
  const square = element("span", { class: "swatch" });
  square.style.background = color;
  return square;
}

// Requests per second: stacked, one panel per policy, all on one scale.
const rate = (policy, band, i) => policy.bands[band][i] / (Math.max(data.per_column, 1) * data.bucket_s);
const order = data.bands.map((_, band) => band).filter(band => present[band]);
const panels = [];

function stack(policy) {
  const sums = new Array(seconds.length).fill(0);
  const tops = order.map(band => {
    if (!hidden.has(band)) sums.forEach((_, i) => { sums[i] += rate(policy, band, i); });
    return closed(sums.slice());
  });
  // Each area is drawn down to the axis, the uppermost first.
  return [edges, ...tops.reverse()];
}

function highest() {
  let most = 0;
  for (const panel of panels) {
    panel.tops[1]?.forEach((value, i) => {
      if (i < seconds.length && edges[i + 1] >= zoom[0] && edges[i] <= zoom[1]) most = Math.max(most, value);
    });
  }
  return most > 0 ? most * 1.04 : 1;
}

function readRequests(panel, u) {
  const i = columnAt(u);
  panel.readout.textContent = i == null ? "in the whole run:" : `from ${clock(edges[i])}, per second:`;
  for (const [band, value] of panel.values) {
    const counts = panel.policy.bands[band];
    value.textContent = i == null ? number(counts.reduce((a, b) => a + b, 0)) : number(rate(panel.policy, band, i));
  }
}

function requestPanel(parent, policy) {
  const box = element("div", { class: "chart requests" }, element("h4", {}, element("bdi", {}, policy.name)));
  const readout = element("p", { class: "readout", "aria-live": "off" });
  box.append(readout);
  const panel = { policy, readout, values: new Map(), buttons: new Map(), tops: stack(policy) };
  const keys = keyRow(box);
  for (const band of order) {
    const value = element("span", { class: "value" });
    const button = element("button", { type: "button", "aria-pressed": "true", "data-band": String(band) },
      swatch(bandColor(band)), data.bands[band].name, value);
    button.addEventListener("click", () => toggle(band));
    keys.append(element("li", {}, button));
    panel.values.set(band, value);
    panel.buttons.set(band, button);
  }
  parent.append(box);
  const areas = order.slice().reverse().map(band => ({
    paths: stepped, fill: bandColor(band), stroke: bandColor(band), width: 0, points: { show: false },
  }));
  panel.plot = place(overTime(240, {
    axes: [timeAxis(), valueAxis("/s")],
    scales: { y: { range: () => [0, highest()] } },
    series: [{}, ...areas],
    hooks: { setCursor: [u => readRequests(panel, u)] },
  }), panel.tops, box, `Requests per second by outcome, ${policy.name}`, true);
  readRequests(panel, panel.plot);
  panels.push(panel);
}

function toggle(band) {
  if (!hidden.delete(band)) hidden.add(band);
  for (const panel of panels) {
    panel.buttons.get(band).setAttribute("aria-pressed", String(!hidden.has(band)));
    panel.tops = stack(panel.policy);
  }
  for (const panel of panels) panel.plot.setData(panel.tops, false);
  zoomTo(...zoom);
}

// Lines of all policies in one chart: the mean or median of the replications, with a band from a tenth to nine tenths.
function lineChart(parent, title, lines, unit, maybeLog) {
  const shown = lines.filter(line => line.spread.high.some(v => v > 0) || line.always);
  const box = element("div", { class: "chart" }, element("h4", {}, title));
  parent.append(box);
  const readout = element("p", { class: "readout" });
  box.append(readout);
  const keys = keyRow(box);
  const values = shown.map(line => {
    const value = element("span", { class: "value" });
    keys.append(element("li", {}, element("span", {}, swatch(line.color), element("bdi", {}, line.name), value)));
    return value;
  });
  const series = [{}], columns = [edges], bands = [];
  // The first policy last: where lines cover each other, the reference stays visible.
  for (const line of shown.slice().reverse()) {
    const [low, middle, high] = [line.spread.low, line.spread.middle, line.spread.high].map(closed);
    const at = series.length;
    const edge = { stroke: "transparent", width: 0, paths: stepped, points: { show: false } };
    series.push(edge, { stroke: line.color, width: 2, dash: line.dash, paths: stepped, points: { show: false } }, edge);
    columns.push(high, middle, low);
    bands.push({ series: [at, at + 2], fill: line.color + "2e" });
  }
  // Lines and what lies above them: the lower edge of a band may be any fraction.
  const all = shown.flatMap(line => [...line.spread.middle, ...line.spread.high]).filter(v => v > 0);
  const most = all.reduce((a, b) => Math.max(a, b), 0), least = all.reduce((a, b) => Math.min(a, b), Infinity);
  const wide = maybeLog && most > 100 * least;
  const read = u => {
    const i = columnAt(u);
    // Without a cursor, what the program says of each line.
    readout.textContent = i == null ? "over the whole run:" : `from ${clock(edges[i])}:`;
    shown.forEach((line, n) => {
      values[n].textContent = i == null ? line.spread.says : number(line.spread.middle[i]) + unit;
    });
  };
  const plot = place(overTime(220, {
    axes: [timeAxis(), valueAxis(unit, wide)],
    scales: { y: wide ? { distr: 4, asinh: maybeLog === "whole" ? Math.max(least, 1) : least, range: [0, most * 1.2] } : { range: (u, a, b) => [0, b > 0 ? b * 1.04 : 1] } },
    series, bands, hooks: { setCursor: [read] },
  }), columns, box, title, true);
  read(plot);
}

// How many sessions enter the flow at least so often.
function entriesChart(parent) {
  const { at, percent } = data.entries;
  const box = element("div", { class: "chart" }, element("h3", {}, data.titles.entries));
  parent.append(box);
  const readout = element("p", { class: "readout" });
  box.append(readout);
  const keys = keyRow(box);
  const values = data.policies.map(policy => {
    const value = element("span", { class: "value" });
    keys.append(element("li", {}, element("span", {}, swatch(policy.color), element("bdi", {}, policy.name), value)));
    return value;
  });
  const read = u => {
    const i = u.cursor.idx ?? 0;
    readout.textContent = `share of the sessions with at least ${number(at[i])} ${at[i] === 1 ? "entry" : "entries"}:`;
    values.forEach((value, n) => { value.textContent = percent[n][i] == null ? "none" : `${number(percent[n][i])}%`; });
  };
  const wide = at[at.length - 1] > 100;
  const grey = { stroke: style("--grey"), font: "12px system-ui, sans-serif", ticks: { show: false } };
  const lines = { stroke: style("--grid"), width: 1 }, sparse = { ...lines, filter: (u, s) => decades(s) };
  const plot = place({
    width: 400, height: 260, legend: { show: false }, cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false, distr: wide ? 3 : 1 }, y: { distr: 3 } },
    axes: [{ ...grey, grid: wide ? sparse : lines, values: (u, s) => s.map(v => v == null ? "" : round(v)) },
      { ...grey, grid: sparse, size: 62, values: (u, s) => s.map(v => v == null ? "" : `${v}%`) }],
    // The first policy last: where lines cover each other, the reference stays visible.
    series: [{}, ...data.policies.map(p => ({ stroke: p.color, width: 2, paths: uPlot.paths.stepped({ align: -1 }), points: { show: at.length < 3 } })).reverse()],
    hooks: { setCursor: [read] },
  }, [at, ...percent.slice().reverse()], box, data.titles.entries, false);
  read(plot);
}

function build() {
  const root = document.getElementById("charts");
  for (const chart of charts) chart.plot.destroy();
  charts.length = panels.length = 0;
  root.textContent = "";
  document.getElementById("entries").textContent = "";
  document.querySelectorAll(".lanes").forEach(place => { place.textContent = ""; });
  faultLanes(root);
  const { titles } = data;
  const head = title => root.append(element("h3", {}, title));
  const lines = (what, always, dash) => data.policies.map(p => ({ name: p.name, color: p.color, spread: p[what], always, dash }));
  if (titles.requests) {
    head(titles.requests);
    if (data.replications > 1) {
      root.append(element("p", { class: "hint" }, `Requests of replication ${data.shown}, counted from 0, whose peak is the median for the first policy.`));
    }
    const grid = element("div", { class: "panels" });
    root.append(grid);
    for (const policy of data.policies) requestPanel(grid, policy);
  }
  if (titles.sign_outs) {
    head(titles.sign_outs);
    const truly = lines("true_sign_outs", false, [6, 4]).map(line => ({ ...line, name: `${line.name} (true)` }));
    lineChart(root, "Sign-outs so far, false and true", [...lines("false_sign_outs", true), ...truly], "", false);
  }
  if (titles.stale_tokens) {
    head(titles.stale_tokens);
    lineChart(root, "Signed-in sessions without a valid token", lines("without_token", true), "", false);
  }
  if (titles.flow) {
    head(titles.flow);
    const flow = element("div", { class: "panels" });
    root.append(flow);
    const entries = data.flow.charAt(0).toUpperCase() + data.flow.slice(1);
    lineChart(flow, `${entries} per second`, lines("flow_per_s", true), "/s", true);
    lineChart(flow, "Greatest depth of a causal chain", lines("depth", true), "", "whole");
  }
  if (titles.waiting) {
    head(titles.waiting);
    lineChart(root, "App callers that wait", lines("waiting", true), "", false);
  }
  if (titles.entries) entriesChart(document.getElementById("entries"));
  document.querySelectorAll("details.story").forEach(storyLanes);
  for (const band of hidden) for (const panel of panels) panel.buttons.get(band)?.setAttribute("aria-pressed", "false");
  zoomTo(...zoom);
}

const tools = document.querySelector(".tools");
for (const [name, act] of [["Zoom in", () => zoomBy(0.5)], ["Zoom out", () => zoomBy(2)],
  ["Earlier", () => zoomTo(zoom[0] - (zoom[1] - zoom[0]) / 2, zoom[1] - (zoom[1] - zoom[0]) / 2)],
  ["Later", () => zoomTo(zoom[0] + (zoom[1] - zoom[0]) / 2, zoom[1] + (zoom[1] - zoom[0]) / 2)],
  ["Whole run", () => zoomTo(0, horizon)]]) {
  const button = element("button", { type: "button" }, name);
  button.addEventListener("click", act);
  tools.append(button);
}
document.querySelectorAll("details.story").forEach(d => d.addEventListener("toggle", () => storyLanes(d)));
// A link to a story opens it.
const openTarget = () => { const d = document.querySelector(location.hash || "#none"); if (d?.tagName === "DETAILS") d.open = true; };
addEventListener("hashchange", openTarget);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
build();
openTarget();
