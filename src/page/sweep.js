// The map of a sweep: choices, cells, and what a cell says. Points are numbered as in sweep.csv: the last key changes first.

const data = JSON.parse(document.getElementById("data").textContent);
const { keys, metrics, policies } = data;
const NEVER = "never within the run";
const state = { metric: 0, policy: 0, x: 0, y: keys.length > 1 ? 1 : -1, point: 0 };

// The place of a point's value among those of each key.
function placesOf(point) {
  if (!data.factorial) return keys.map(() => point);
  const places = [];
  for (let k = keys.length - 1; k >= 0; k -= 1) {
    places[k] = point % keys[k].values.length;
    point = Math.floor(point / keys[k].values.length);
  }
  return places;
}
const pointOf = places => places.reduce((point, place, k) => point * keys[k].values.length + place, 0);

function cellOf(point, policy = state.policy) {
  const of = metrics[state.metric].policies[policy];
  const mean = of.mean[point], never = of.never ? of.never[point] : 0;
  return { mean, low: of.low ? of.low[point] : mean, high: of.high ? of.high[point] : mean, never };
}

// The share of the scale, by the rule of the charts.
function share(value) {
  const scale = metrics[state.metric].scale;
  if (scale.length === 1) return Math.min(1, Math.max(0, value / scale[0]));
  if (value <= 0) return 0;
  return .07 + .93 * Math.min(1, Math.max(0, Math.log10(value / scale[0]) / Math.log10(scale[1] / scale[0])));
}
function mixed(at) {
  const place = Math.min(1, Math.max(0, at)) * (data.ramp.length - 1), below = Math.min(Math.floor(place), data.ramp.length - 2);
  const parts = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
  const [from, to] = [parts(data.ramp[below]), parts(data.ramp[below + 1])];
  return from.map((part, i) => Math.round(part + (to[i] - part) * (place - below)));
}
const colorOf = cell => cell.never > 0 ? data.never : cell.mean == null ? "none" : `rgb(${mixed(share(cell.mean)).join(" ")})`;
function inkOn(cell) {
  if (cell.never > 0 || cell.mean == null) return "#1c1c22";
  const [r, g, b] = mixed(share(cell.mean)).map(part => (part / 255) ** 2);
  return .2126 * r + .7152 * g + .0722 * b > .18 ? "#1c1c22" : "#fff";
}

function valueWords(cell) {
  if (cell.never > 0) {
    return data.replications > 1 ? `${NEVER} in ${cell.never} of ${data.replications} replications` : NEVER;
  }
  return cell.mean == null ? "no value here" : `${number(cell.mean)} ${metrics[state.metric].unit}`;
}
function intervalWords(cell) {
  if (cell.never > 0 || cell.mean == null) return "none: a replication without a value has no mean";
  if (cell.mean === 0 && !(cell.low < cell.high)) return `none: 0 ${data.none}`;
  if (data.replications < 2) return "none: one replication";
  if (!(cell.low < cell.high)) return "none: all replications have this value";
  return `${number(cell.low)} to ${number(cell.high)}, pointwise`;
}
const pointWords = point => placesOf(point).map((place, k) => `${keys[k].key} = ${keys[k].values[place]}`).join(", ");

function drawn(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const child of children) made.append(child);
  return made;
}

// A cell or a dot that can be picked.
function spot(tag, point, attributes) {
  const made = drawn(tag, {
    ...attributes, class: `spot${point === state.point ? " on" : ""}`, role: "button", "data-point": point,
    tabindex: point === state.point ? 0 : -1, "aria-label": `${pointWords(point)}: ${valueWords(cellOf(point))}`,
  });
  made.addEventListener("click", () => pick(point, true));
  return made;
}

const WIDE = 860, HIGH = 480, LEFT = 110, FOOT = 48;

// The points of the slice that is shown: other keys have the values of the picked point.
function slice() {
  if (!data.factorial) return Array.from({ length: data.count }, (_, point) => point);
  const fixed = placesOf(state.point), all = [];
  const along = k => k < 0 ? [0] : keys[k].values.map((_, i) => i);
  for (const i of along(state.x)) {
    for (const j of along(state.y)) {
      const places = [...fixed];
      places[state.x] = i;
      if (state.y >= 0) places[state.y] = j;
      all.push(pointOf(places));
    }
  }
  return all;
}

// Labels below the map, as many as have room.
function labelsBelow(svg, k, at) {
  let free = -Infinity;
  const order = keys[k].values.map((_, i) => i).sort((a, b) => at(a) - at(b));
  for (const i of order) {
    const half = keys[k].values[i].length * 3.4 + 4;
    if (at(i) - half < free) continue;
    svg.append(drawn("text", { x: at(i), y: HIGH + 16, "text-anchor": "middle", class: "tick" }, keys[k].values[i]));
    free = at(i) + half;
  }
  svg.append(drawn("text", { x: LEFT + (WIDE - LEFT) / 2, y: HIGH + 38, "text-anchor": "middle" }, keys[k].key));
}

function heat(svg) {
  const [columns, rows] = [keys[state.x].values.length, keys[state.y].values.length];
  const [wide, tall] = [(WIDE - LEFT) / columns, HIGH / rows];
  for (const point of slice()) {
    const places = placesOf(point), [i, j] = [places[state.x], places[state.y]], cell = cellOf(point);
    const [x, y] = [LEFT + i * wide, HIGH - (j + 1) * tall];
    svg.append(spot("rect", point, { x, y, width: Math.max(1, wide - 1), height: Math.max(1, tall - 1), fill: colorOf(cell) }));
    const says = cell.never > 0 ? "never" : cell.mean == null ? "" : number(cell.mean);
    if (says.length * 6.6 + 6 < wide && tall > 15) {
      svg.append(drawn("text", { x: x + wide / 2, y: y + tall / 2 + 4, "text-anchor": "middle", "pointer-events": "none",
        style: `fill: ${inkOn(cell)}` }, says));
    }
  }
  labelsBelow(svg, state.x, i => LEFT + (i + .5) * wide);
  const every = Math.max(1, Math.ceil(14 / tall));
  keys[state.y].values.forEach((value, j) => {
    if (j % every === 0) {
      svg.append(drawn("text", { x: LEFT - 6, y: HIGH - (j + .5) * tall + 4, "text-anchor": "end", class: "tick" },
        value.length > 16 ? `${value.slice(0, 15)}…` : value));
    }
  });
}

// Dots at the places of one key or of two; of one, the height is the value.
function scatter(svg) {
  const x = i => LEFT + keys[state.x].places[i] * (WIDE - LEFT);
  const height = cell => HIGH - share(cell.mean) * (HIGH - 16);
  svg.append(drawn("line", { x1: LEFT, x2: WIDE, y1: HIGH, y2: HIGH, class: "axis" }));
  const all = slice().map(point => ({ point, places: placesOf(point), cell: cellOf(point) }));
  if (state.y < 0) {
    for (const [tick, label] of metrics[state.metric].ticks) {
      const y = height({ mean: tick });
      svg.append(drawn("line", { x1: LEFT, x2: WIDE, y1: y, y2: y, class: "rule" }));
      svg.append(drawn("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end", class: "tick" }, label));
    }
    const line = all.filter(({ cell }) => cell.mean != null).sort((a, b) => x(a.places[state.x]) - x(b.places[state.x]));
    const color = `var(${policies[state.policy].color})`;
    const path = points => points.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ");
    const through = value => line.map(({ places, cell }) => [x(places[state.x]), height({ mean: value(cell) })]);
    if (keys[state.x].numeric && line.length === all.length) {
      svg.append(drawn("polygon", { points: path([...through(c => c.high), ...through(c => c.low).reverse()]), fill: color, opacity: .18 }));
      svg.append(drawn("polyline", { points: path(through(c => c.mean)), fill: "none", stroke: color, "stroke-width": 2 }));
    } else {
      for (const { places, cell } of line) {
        const at = x(places[state.x]);
        svg.append(drawn("line", { x1: at, x2: at, y1: height({ mean: cell.low }), y2: height({ mean: cell.high }), stroke: color, "stroke-width": 2 }));
      }
    }
  } else {
    const { places, values } = keys[state.y];
    let free = -Infinity;
    for (const i of places.map((_, i) => i).sort((a, b) => places[a] - places[b])) {
      const up = places[i] * (HIGH - 16);
      if (up < free) continue;
      svg.append(drawn("text", { x: LEFT - 6, y: HIGH - up + 4, "text-anchor": "end", class: "tick" }, values[i]));
      free = up + 24;
    }
  }
  for (const { point, places, cell } of all) {
    const up = state.y >= 0 ? HIGH - keys[state.y].places[places[state.y]] * (HIGH - 16) : cell.mean == null ? 8 : height(cell);
    const fill = state.y >= 0 || cell.mean == null ? colorOf(cell) : `var(${policies[state.policy].color})`;
    svg.append(spot("circle", point, { cx: x(places[state.x]), cy: up, r: data.count > 400 ? 4 : 6, fill }));
  }
  labelsBelow(svg, state.x, x);
}

function legend() {
  const scale = metrics[state.metric].scale;
  const ends = scale.length === 1 ? [0, scale[0] / 1.04] : scale;
  const from = share(ends[0]), to = share(ends[1]);
  const stops = Array.from({ length: 9 }, (_, i) => `rgb(${mixed(from + (to - from) * i / 8).join(" ")})`);
  const bar = element("span", { style: `display:inline-block;width:12rem;height:.8rem;background:linear-gradient(to right,${stops.join(",")})` });
  const words = element("p", { class: "hint" }, `${number(ends[0])} `, bar, ` ${number(ends[1])} ${metrics[state.metric].unit}`);
  if (metrics[state.metric].policies.some(of => of.never)) {
    words.append("  ", element("span", { style: `display:inline-block;width:1.2rem;height:.8rem;background:${data.never}` }), ` ${NEVER}`);
  }
  return words;
}

function draw() {
  const svg = drawn("svg", { viewBox: `0 0 ${WIDE} ${HIGH + FOOT}`, role: "group",
    "aria-label": `${metrics[state.metric].name} of ${policies[state.policy].name}` });
  if (data.factorial && state.y >= 0) heat(svg); else scatter(svg);
  const up = element("p", { class: "hint" }, state.y >= 0 ? `up: ${keys[state.y].key}` : metrics[state.metric].definition);
  document.getElementById("grid").replaceChildren(up, svg, ...(state.y >= 0 ? [legend()] : []));
  // Focus and the picked cell must not lie below their neighbours.
  const on = svg.querySelector(".spot.on");
  if (on && on.tagName === "circle") svg.append(on);
}

function tell() {
  const cell = cellOf(state.point), places = placesOf(state.point);
  const command = [data.command, ...places.map((place, k) => keys[k].set[place])].join(" ");
  const values = element("dl", {});
  places.forEach((place, k) => values.append(element("dt", {}, keys[k].key), element("dd", {}, keys[k].values[place])));
  const rows = policies.map((policy, i) => element("tr", {},
    element("td", {}, element("bdi", {}, policy.name)), element("td", {}, valueWords(cellOf(state.point, i)))));
  const button = element("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    await copy(command);
    button.textContent = "Done";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  document.getElementById("cell").replaceChildren(
    element("h3", {}, `${metrics[state.metric].name} of `, element("bdi", {}, policies[state.policy].name)),
    element("p", { class: "value" }, valueWords(cell)),
    element("p", { class: "interval" }, `95% interval: ${intervalWords(cell)}`),
    element("p", { class: "hint" }, metrics[state.metric].definition),
    values,
    element("table", {}, element("tbody", {}, ...rows)),
    element("p", {}, "This cell alone: ", button),
    element("pre", { tabindex: 0, id: "command" }, command),
  );
}

function remember() {
  const words = new URLSearchParams({ metric: metrics[state.metric].name, policy: policies[state.policy].name, point: state.point });
  history.replaceState(null, "", `${location.href.split("#")[0]}#${words}`);
}

function pick(point, focus) {
  state.point = point;
  update();
  if (focus) document.querySelector("#grid .spot.on")?.focus();
}

function choice(name, words, get, set) {
  const select = element("select", { "aria-label": name }, ...words.map((word, i) => element("option", { value: i }, word)));
  select.value = get();
  select.addEventListener("change", () => { set(Number(select.value)); update(); });
  return element("label", {}, `${name} `, select);
}

function choices() {
  const all = [
    choice("Metric", metrics.map(m => m.name.replaceAll("_", " ")), () => state.metric, i => { state.metric = i; }),
    choice("Policy", policies.map(p => p.name), () => state.policy, i => { state.policy = i; }),
  ];
  if (keys.length > 2) {
    const names = keys.map(k => k.key);
    const swap = (one, other, i) => { if (state[other] === i) state[other] = state[one]; state[one] = i; };
    all.push(choice("Across", names, () => state.x, i => swap("x", "y", i)), choice("Up", names, () => state.y, i => swap("y", "x", i)));
    if (data.factorial) {
      keys.forEach((key, k) => {
        if (k === state.x || k === state.y) return;
        all.push(choice(key.key, key.values, () => placesOf(state.point)[k], i => {
          const places = placesOf(state.point);
          places[k] = i;
          state.point = pointOf(places);
        }));
      });
    }
  }
  document.getElementById("choices").replaceChildren(...all);
}

function update() {
  const name = document.activeElement?.getAttribute("aria-label");
  choices();
  draw();
  tell();
  remember();
  // A choice that was used stays in focus.
  if (name) document.querySelector(`#choices select[aria-label="${CSS.escape(name)}"]`)?.focus();
}

// The nearest spot in a direction.
function neighbour(key) {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const middle = spot => { const box = spot.getBBox(); return [box.x + box.width / 2, box.y + box.height / 2]; };
  const here = document.querySelector("#grid .spot.on");
  if (!here) return null;
  const [x, y] = middle(here);
  let best = null, least = Infinity;
  for (const other of document.querySelectorAll("#grid .spot")) {
    const [ox, oy] = middle(other), along = (ox - x) * dx + (oy - y) * dy, aside = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
    if (along > .5 && along + 3 * aside < least) [best, least] = [other, along + 3 * aside];
  }
  return best;
}

function follow() {
  const words = new URLSearchParams(location.hash.slice(1));
  const at = (list, name) => Math.max(0, list.findIndex(item => item.name === name));
  const point = Number(words.get("point"));
  state.metric = at(metrics, words.get("metric"));
  state.policy = at(policies, words.get("policy"));
  state.point = Number.isInteger(point) && point >= 0 && point < data.count ? point : 0;
}

document.documentElement.classList.add("js");
if (metrics.length > 0) {
  follow();
  update();
  window.addEventListener("hashchange", () => { follow(); update(); });
  document.getElementById("grid").addEventListener("keydown", event => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const next = neighbour(event.key);
    if (next) pick(Number(next.dataset.point), true);
  });
}
