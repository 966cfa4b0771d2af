// Requests per second: stacked by outcome, one panel per policy or for policies that are alike, all on one scale, of all
// endpoints or of one.

const hidden = new Set();
const panels = [];
let endpoint = null;
const bandColor = band => data.bands[band].dark ? style("--dark-band") : data.bands[band].color;
const stepped = uPlot.paths.stepped({ align: 1 });
const closed = values => [...values, values.length > 0 ? values[values.length - 1] : 0];
const everyCall = data.policies.flatMap(policy => policy.calls);
const order = data.bands.map((_, band) => band).filter(band => everyCall.some(call => call[1] === band));
const called = data.endpoints.map((_, place) => place).filter(place => everyCall.some(call => call[0] === place));
const columnSeconds = Math.max(data.per_column, 1) * data.bucket_s;

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

// Counts by band and column, of the chosen endpoint or of all.
function countsOf(policy) {
  const counts = new Map(order.map(band => [band, new Array(seconds.length).fill(0)]));
  for (const [place, band, columns] of policy.calls) {
    if (endpoint !== null && place !== endpoint) continue;
    const sums = counts.get(band);
    columns.forEach((count, i) => { sums[i] += count; });
  }
  return counts;
}

function stack(counts) {
  const sums = new Array(seconds.length).fill(0);
  const tops = order.map(band => {
    if (!hidden.has(band)) counts.get(band).forEach((count, i) => { sums[i] += count / columnSeconds; });
    return closed(sums.slice());
  });
  // Each area is drawn down to the axis, the uppermost first.
  return [edges, ...tops.reverse()];
}

// The limits that apply to what the panels count. A line far above the data would flatten it.
function lines() {
  if (endpoint !== null) return [];
  const peak = panels.flatMap(panel => panel.tops[1] ?? []).reduce((a, b) => Math.max(a, b), 0);
  return data.limits.filter(limit => limit.per_s !== null && limit.per_s <= 2 * peak);
}

function highest() {
  let most = 0;
  for (const panel of panels) {
    panel.tops[1]?.forEach((value, i) => {
      if (i < seconds.length && edges[i + 1] >= zoom[0] && edges[i] <= zoom[1]) most = Math.max(most, value);
    });
  }
  for (const limit of lines()) most = Math.max(most, limit.per_s);
  return most > 0 ? most * 1.04 : 1;
}

function drawLimits(u) {
  const { ctx } = u, dpr = devicePixelRatio, { left, top, width } = u.bbox;
  ctx.save();
  ctx.font = `${12 * dpr}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  for (const limit of lines()) {
    const y = u.valToPos(limit.per_s, "y", true);
    ctx.strokeStyle = style("--ink");
    ctx.lineWidth = 1.4 * dpr;
    ctx.setLineDash([6 * dpr, 4 * dpr]);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    const long = ctx.measureText(limit.label).width, above = y - top > 20 * dpr;
    ctx.fillStyle = style("--paper");
    ctx.fillRect(left + width - long - 8 * dpr, y + (above ? -19 : 3) * dpr, long + 6 * dpr, 16 * dpr);
    ctx.fillStyle = style("--ink");
    ctx.textBaseline = "middle";
    ctx.fillText(limit.label, left + width - 5 * dpr, y + (above ? -11 : 11) * dpr);
  }
  ctx.restore();
}

function readRequests(panel, u) {
  const i = columnAt(u);
  panel.readout.textContent = i == null ? "in the whole run:" : `from ${clock(edges[i])}, per second:`;
  for (const [band, value] of panel.values) {
    const counts = panel.counts.get(band);
    value.textContent = number(i == null ? counts.reduce((a, b) => a + b, 0) : counts[i] / columnSeconds);
  }
}

// Calls that were just sent are in flight at the end of every run, and need no key.
const isNamed = (policy, band) => band !== data.in_flight || !policy.just_sent;

function requestPanel(parent, group) {
  const policy = data.policies[group[0]];
  const name = group.map(i => data.policies[i].name).join(", ");
  const [box, chart] = chartBox(parent, `requests-${group[0]}`, name, "requests");
  const readout = element("p", { class: "readout", "aria-live": "off" });
  box.append(readout);
  const counts = countsOf(policy);
  const panel = { policy, readout, counts, values: new Map(), buttons: new Map(), tops: stack(counts) };
  const keys = keyRow(box);
  for (const band of order.filter(band => isNamed(policy, band))) {
    const value = element("span", { class: "value" });
    const button = element("button", { type: "button", "aria-pressed": String(!hidden.has(band)), "data-band": String(band) },
      swatch(bandColor(band)), data.bands[band].name, value);
    button.addEventListener("click", () => toggle(band));
    keys.append(element("li", {}, button));
    panel.values.set(band, value);
    panel.buttons.set(band, button);
  }
  panels.push(panel);
  const areas = order.slice().reverse().map(band => ({
    paths: stepped, fill: bandColor(band), stroke: bandColor(band), width: 0, points: { show: false },
  }));
  panel.plot = place(overTime(240, {
    axes: [timeAxis(), valueAxis("/s")],
    scales: { y: { range: () => [0, highest()] } },
    series: [{}, ...areas],
    hooks: { setCursor: [u => readRequests(panel, u)], draw: [drawLimits] },
  }), panel.tops, box, `Requests per second by outcome, ${name}`, true);
  chart.content = () => ({
    plot: panel.plot,
    note: `Requests${endpoint === null ? "" : ` to ${data.endpoints[endpoint]}`}, ${readout.textContent.replace(/:$/, "")}`,
    legend: [...panel.values].map(([band, value]) => [data.bands[band].name, value.textContent, bandColor(band)]),
    table: () => ({
      head: ["t_s", ...order.map(band => data.bands[band].name)],
      rows: seconds.map((_, i) => [edges[i], ...order.map(band => panel.counts.get(band)[i])]),
    }),
  });
  readRequests(panel, panel.plot);
}

function redraw() {
  for (const panel of panels) {
    panel.counts = countsOf(panel.policy);
    panel.tops = stack(panel.counts);
  }
  for (const panel of panels) {
    panel.plot.setData(panel.tops, false);
    readRequests(panel, panel.plot);
  }
  zoomTo(...zoom);
}

function toggle(band) {
  if (!hidden.delete(band)) hidden.add(band);
  for (const panel of panels) panel.buttons.get(band)?.setAttribute("aria-pressed", String(!hidden.has(band)));
  redraw();
}

function endpointChoice(parent) {
  if (called.length < 2) return;
  const select = element("select", {}, element("option", { value: "" }, "all endpoints"),
    ...called.map(place => element("option", { value: String(place) }, data.endpoints[place] + (data.endpoints[place] === "/generic" ? ", the generic clients" : ""))));
  select.value = endpoint === null ? "" : String(endpoint);
  select.addEventListener("change", () => {
    endpoint = select.value === "" ? null : Number(select.value);
    redraw();
  });
  parent.append(element("label", { class: "choice" }, "Requests to ", select));
}

function requestCharts(root) {
  root.append(element("h3", {}, data.titles.requests));
  const notes = [];
  if (data.replications > 1) {
    notes.push(`Requests of replication ${data.shown}, counted from 0, whose peak is the median for the first policy.`);
  }
  if (data.policies.some(policy => policy.just_sent && policy.calls.some(call => call[1] === data.in_flight))) {
    notes.push("Grey at the end: in flight when the run ends.");
  }
  for (const limit of data.limits) notes.push(`${limit.words.charAt(0).toUpperCase()}${limit.words.slice(1)}.`);
  if (notes.length > 0) root.append(element("p", { class: "hint" }, notes.join(" ")));
  endpointChoice(root);
  const grid = element("div", { class: "panels" });
  root.append(grid);
  for (const group of data.alike) requestPanel(grid, group);
}
