// Bars in lanes over time: the faults of the scenario, and the calls of one session.

const LANE = 30;

// `lanes` are names, `bars` are { lane, from, to, color, says }.
function laneChart(parent, title, lanes, bars) {
  const readout = element("p", { class: "readout", "aria-live": "polite" });
  const byLane = lanes.map((_, lane) => bars.filter(bar => bar.lane === lane));
  const labelled = lanes.some(name => name !== "");
  const draw = u => {
    const { ctx } = u, dpr = devicePixelRatio, { left, top, width } = u.bbox;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, u.bbox.height);
    ctx.clip();
    ctx.font = `${12 * dpr}px system-ui, sans-serif`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    byLane.forEach((own, lane) => {
      const y = top + lane * LANE * dpr + (labelled ? 14 : 5) * dpr, high = (labelled ? 13 : 20) * dpr;
      for (const bar of own) {
        const from = u.valToPos(bar.from, "x", true), to = u.valToPos(bar.to, "x", true);
        if (to < left || from > left + width) continue;
        ctx.fillStyle = bar.color();
        ctx.fillRect(from, y, Math.max(to - from - (to - from > 4 * dpr ? dpr : 0), 1.5 * dpr), high);
        if (bar.label) {
          ctx.fillStyle = style("--ink");
          // A name that would run out of the picture ends where that ends.
          const begin = Math.max(from, left) + 5 * dpr, last = left + width - ctx.measureText(bar.label).width - 5 * dpr;
          ctx.fillText(bar.label, Math.max(Math.min(begin, last), left + 5 * dpr), y + high / 2);
        }
      }
      if (labelled) {
        ctx.fillStyle = style("--grey");
        ctx.fillText(lanes[lane], left + 2 * dpr, y - 7 * dpr);
      }
    });
    ctx.restore();
  };
  const read = u => {
    const x = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null;
    if (x == null) return void (readout.textContent = "");
    const near = (zoom[1] - zoom[0]) / Math.max(u.over.clientWidth, 1) * 4;
    const lane = u.cursor.event ? Math.floor(u.cursor.top / LANE) : -1;
    const own = bars.filter(bar => x >= bar.from - near && x <= bar.to + near);
    const under = own.filter(bar => bar.lane === lane);
    const said = (under.length > 0 ? under : own).slice(0, 4).map(bar => bar.says);
    readout.textContent = `${clock(x)}${said.length > 0 ? ": " + said.join("; ") : ""}`;
  };
  parent.append(readout);
  const grid = [0, ...edges.slice(1, -1), horizon].filter((x, i, all) => i === 0 || x > all[i - 1]);
  const options = overTime(lanes.length * LANE + 36, {
    padding: [4, right, 0, null],
    cursor: { points: { show: false }, y: false },
    scales: { y: { range: [0, 1] } },
    axes: [timeAxis(), { ...valueAxis(""), grid: { show: false }, values: () => [] }],
    series: [{}, { show: true, stroke: "transparent", points: { show: false } }],
    hooks: { draw: [draw], setCursor: [read] },
  });
  return place(options, [grid, grid.map(() => null)], parent, title, true);
}

// One lane per fault, or per group of faults that do not meet.
function faultLanes(parent) {
  if (data.faults.length === 0) return;
  const box = element("div", { class: "chart" }, element("h4", {}, "Faults of the scenario"));
  parent.append(box);
  const free = [], bars = [];
  for (const fault of data.faults) {
    let lane = free.findIndex(until => until <= fault.from);
    if (lane < 0) lane = free.push(0) - 1;
    free[lane] = Math.max(fault.to, fault.from + horizon / 5);
    const says = `${fault.name}, ${clock(fault.from)} to ${clock(fault.to)}`;
    bars.push({ lane, from: fault.from, to: fault.to, label: fault.name, says, color: () => style("--grid") });
  }
  laneChart(box, "Faults of the scenario over time", free.map(() => ""), bars);
}

// The lane chart of a story, made when the story is first opened.
function storyLanes(details) {
  const place = details.querySelector(".lanes");
  if (!details.open || !place || place.childElementCount > 0) return;
  const story = data.stories[Number(place.dataset.story)];
  if (!story || story.lanes.length === 0) return;
  const box = element("div", { class: "chart" }, element("h4", {}, "Each call of this session"));
  place.append(box);
  const bars = story.calls.map(([lane, from, to, band]) => ({
    lane, from, to, color: () => bandColor(band),
    says: `${story.lanes[lane]}: ${data.bands[band].name} after ${Math.round((to - from) * 1000).toLocaleString("en-US")} ms`,
  }));
  laneChart(box, "Each call of this session over time, coloured by its outcome", story.lanes, bars);
  zoomTo(...zoom);
}
