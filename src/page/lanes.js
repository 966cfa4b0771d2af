// Bars in lanes over time: the faults of the scenario, and the calls of one session.

const LANE = 30;

// The place of a bar's name: inside the bar, or beside it with an arrow, so that the bar does not seem to end where its name
// does. Without room on either side, it is cut inside the bar.
function labelPlace(pen, label, from, to, left, right, gap) {
  const width = text => pen.measureText(text).width;
  const [begin, end] = [Math.max(from, left), Math.min(to, right)];
  if (width(label) + 2 * gap <= end - begin) return [label, begin + gap];
  const after = `← ${label}`, before = `${label} →`;
  if (end + width(after) + 2 * gap <= right) return [after, end + gap];
  if (begin - width(before) - 2 * gap >= left) return [before, begin - gap - width(before)];
  const [room, at] = right - end > Math.max(end - begin, begin - left) ? [right - end, end + gap] : [end - begin, begin + gap];
  let kept = label;
  while (kept.length > 1 && width(`${kept}…`) + 2 * gap > room) kept = kept.slice(0, -1);
  return [room > 24 ? `${kept}…` : "", at];
}

// `lanes` are names, `bars` are { lane, from, to, color, says }.
function laneChart(box, chart, title, lanes, bars) {
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
        if (bar.through) ctx.fillRect(from, y, 1.5 * dpr, top + u.bbox.height - y);
        if (bar.label) {
          ctx.fillStyle = style("--axis");
          ctx.fillRect(from, y, dpr, high);
          ctx.fillRect(Math.max(to - dpr, from), y, dpr, high);
          ctx.fillStyle = style("--ink");
          const [text, at] = labelPlace(ctx, bar.label, from, to, left, left + width, 5 * dpr);
          ctx.fillText(text, at, y + high / 2);
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
  box.append(readout);
  const grid = [0, ...edges.slice(1, -1), horizon].filter((x, i, all) => i === 0 || x > all[i - 1]);
  const options = overTime(lanes.length * LANE + 36, {
    padding: [4, right, 0, null],
    cursor: { points: { show: false }, y: false },
    scales: { y: { range: [0, 1] } },
    axes: [timeAxis(), { ...valueAxis(""), grid: { show: false }, values: () => [] }],
    series: [{}, { show: true, stroke: "transparent", points: { show: false } }],
    hooks: { draw: [draw], setCursor: [read] },
  });
  const plot = place(options, [grid, grid.map(() => null)], box, title, true);
  const rows = () => bars.map(bar => [lanes[bar.lane], bar.label ?? bar.what, bar.from, bar.to]);
  chart.content = () => ({
    plot, note: title, legend: chart.legend,
    table: () => ({ head: ["lane", "what", "from_s", "to_s"], rows: rows() }),
  });
}

// One lane per fault; of many faults, one per group of faults that do not meet.
function faultLanes(parent) {
  if (data.faults.length === 0) return;
  const [box, chart] = chartBox(parent, "faults", "Faults of the scenario", "", "h3");
  const free = [], bars = [];
  for (const fault of data.faults) {
    let lane = data.faults.length <= 12 ? -1 : free.findIndex(until => until <= fault.from);
    if (lane < 0) lane = free.push(0) - 1;
    free[lane] = Math.max(fault.to, fault.from + horizon / 5);
    const says = `${fault.name}, ${clock(fault.from)} to ${clock(fault.to)}`;
    bars.push({ lane, from: fault.from, to: fault.to, label: fault.name, says, color: () => style("--grid") });
  }
  chart.legend = data.faults.map(fault => [fault.name, `${clock(fault.from)} to ${clock(fault.to)}`]);
  laneChart(box, chart, "Faults of the scenario over time", free.map(() => ""), bars);
}

// The lane chart of a story, made when the story is first opened.
function storyLanes(details) {
  const place = details.querySelector(".lanes");
  if (!details.open || !place || place.childElementCount > 0) return;
  const number = Number(place.dataset.story), story = data.stories[number];
  if (!story || story.lanes.length === 0) return;
  const [box, chart] = chartBox(place, `calls-${number}`, "Each call of this session", "", "h3");
  const events = story.events.map(([lane, at, signOut]) => ({
    lane, from: at, to: at, through: signOut, what: story.lanes[lane], says: story.lanes[lane],
    color: () => style(signOut ? "--sign-out" : "--ink"),
  }));
  const calls = story.calls.map(([lane, from, to, band]) => ({
    lane, from, to, what: data.bands[band].name, color: () => bandColor(band),
    says: `${story.lanes[lane]}: ${data.bands[band].name} after ${Math.round((to - from) * 1000).toLocaleString("en-US")} ms`,
  }));
  const bands = data.bands.map((_, band) => story.calls.filter(call => call[3] === band).length);
  const keys = keyRow(box);
  bands.forEach((count, band) => {
    if (count > 0) keys.append(element("li", {}, element("span", {}, swatch(bandColor(band)), data.bands[band].name, element("span", { class: "value" }, count.toLocaleString("en-US")))));
  });
  chart.legend = bands.map((count, band) => [data.bands[band].name, count, bandColor(band)]).filter(([, count]) => count > 0);
  laneChart(box, chart, "Each call of this session over time, coloured by its outcome", story.lanes, [...events, ...calls]);
  zoomTo(...zoom);
}
