// The charts of this page.

document.documentElement.classList.add("js");

// Lines of policies that are alike become one line with all names.
function together(lines) {
  const groups = [];
  for (const line of lines) {
    const same = groups.find(group => group.dash === line.dash && JSON.stringify(group.spread) === JSON.stringify(line.spread));
    if (same) same.name += `, ${line.name}`;
    else groups.push({ ...line });
  }
  return groups;
}

// Lines of all policies in one chart: the mean or median of the replications, with a band from a tenth to nine tenths.
function lineChart(parent, id, title, lines, unit, maybeLog) {
  const shown = together(lines.filter(line => line.spread.high.some(v => v > 0) || line.always));
  const [box, chart] = chartBox(parent, id, title);
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
  // Lines and what lies above them.
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
    axes: [timeAxis(), valueAxis(unit, wide, maybeLog === "whole")],
    scales: { y: wide ? { distr: 4, asinh: maybeLog === "whole" ? Math.max(least, 1) : least, range: [0, most * 1.2] } : { range: (u, a, b) => [0, b > 0 ? b * 1.04 : 1] } },
    series, bands, hooks: { setCursor: [read] },
  }), columns, box, title, true);
  chart.content = () => ({
    plot, note: readout.textContent.replace(/:$/, ""),
    legend: shown.map((line, n) => [line.name, values[n].textContent, line.color]),
    table: () => ({
      head: ["t_s", ...shown.flatMap(line => [`${line.name} low`, line.name, `${line.name} high`])],
      rows: seconds.map((_, i) => [edges[i], ...shown.flatMap(({ spread }) => [spread.low[i], spread.middle[i], spread.high[i]])]),
    }),
  });
  read(plot);
}

// How many sessions enter the flow at least so often.
function entriesChart(parent) {
  const { at, percent } = data.entries;
  parent.append(element("h3", {}, data.titles.entries));
  const title = `Share of the sessions with at least so many ${data.flow[1]}`;
  const [box, chart] = chartBox(parent, "entries-per-session", title);
  const shown = together(data.policies.map((policy, n) => ({ name: policy.name, color: style(policy.color), spread: percent[n] })));
  const readout = element("p", { class: "readout" });
  box.append(readout);
  const keys = keyRow(box);
  const values = shown.map(line => {
    const value = element("span", { class: "value" });
    keys.append(element("li", {}, element("span", {}, swatch(line.color), element("bdi", {}, line.name), value)));
    return value;
  });
  const read = u => {
    const i = u.cursor.idx ?? 0;
    readout.textContent = `share of the sessions with at least ${number(at[i])} ${data.flow[at[i] === 1 ? 0 : 1]}:`;
    values.forEach((value, n) => {
      const share = shown[n].spread[i];
      value.textContent = share == null ? "none" : `${number(share)}%`;
    });
  };
  const wide = at[at.length - 1] > 100;
  const grey = { stroke: style("--grey"), font: "12px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: style("--grid"), width: 1 }, sparse = { ...grid, filter: (u, s) => decades(s) };
  const plot = place({
    width: 400, height: 260, legend: { show: false }, cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false, distr: wide ? 3 : 1 }, y: { distr: 3 } },
    axes: [{ ...grey, grid: wide ? sparse : grid, values: (u, s) => (wide ? decades(s) : s).map(v => v == null ? "" : round(v)) },
      { ...grey, grid: sparse, size: 62, values: (u, s) => decades(s).map(v => v == null ? "" : `${v}%`) }],
    // The first policy last: where lines cover each other, the reference stays visible.
    series: [{}, ...shown.map(line => ({ stroke: line.color, width: 2, paths: uPlot.paths.stepped({ align: -1 }), points: { show: at.length < 3 } })).reverse()],
    hooks: { setCursor: [read] },
  }, [at, ...shown.map(line => line.spread).reverse()], box, title, false);
  chart.content = () => ({
    plot, note: readout.textContent.replace(/:$/, ""),
    legend: shown.map((line, n) => [line.name, values[n].textContent, line.color]),
    table: () => ({ head: [data.flow[1], ...shown.map(line => line.name)], rows: at.map((n, i) => [n, ...shown.map(line => line.spread[i])]) }),
  });
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
  const lines = (what, always, dash) => data.policies.map(p => ({ name: p.name, color: style(p.color), spread: p[what], always, dash }));
  if (titles.requests) requestCharts(root);
  if (titles.sign_outs) {
    head(titles.sign_outs);
    const truly = lines("true_sign_outs", false, [6, 4]).map(line => ({ ...line, name: `${line.name} (true)` }));
    lineChart(root, "sign-outs", "Sign-outs so far, false and true", [...lines("false_sign_outs", true), ...truly], "", false);
  }
  if (titles.stale_tokens) {
    head(titles.stale_tokens);
    lineChart(root, "stale-tokens", "Signed-in sessions without a valid token", lines("without_token", true), "", false);
  }
  if (titles.flow) {
    head(titles.flow);
    const flow = element("div", { class: "panels" });
    root.append(flow);
    const entries = data.flow[1].charAt(0).toUpperCase() + data.flow[1].slice(1);
    lineChart(flow, "flow", `${entries} per second`, lines("flow_per_s", true), "/s", true);
    lineChart(flow, "depth", "Greatest depth of a causal chain", lines("depth", true), "", "whole");
  }
  if (titles.waiting) {
    head(titles.waiting);
    lineChart(root, "waiting", "App callers that wait", lines("waiting", true), "", false);
  }
  if (titles.entries) entriesChart(document.getElementById("entries"));
  document.querySelectorAll("details.story").forEach(storyLanes);
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
addEventListener("hashchange", follow);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
build();
follow();
