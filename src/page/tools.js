// What every chart offers: a link to it, its numbers and its picture. A fragment names a chart, a story or a section, and a
// zoom in seconds: #requests-0@60-120.

let target = "";
let pending = null;

const isWhole = () => zoom[0] <= 0 && zoom[1] >= horizon;
const fragmentOf = id => `#${id}${isWhole() ? "" : `@${Number(zoom[0].toPrecision(9))}-${Number(zoom[1].toPrecision(9))}`}`;

// Writes the zoom into the address, once the reader rests: browsers limit how often a page may do so.
function remember() {
  clearTimeout(pending);
  pending = setTimeout(() => {
    const to = fragmentOf(target), page = location.href.split("#")[0];
    if (to !== (location.hash || "#")) history.replaceState(null, "", to === "#" ? page : page + to);
  }, 300);
}

// Shows what the address names.
function follow() {
  let hash = location.hash;
  try { hash = decodeURIComponent(hash); } catch { return; }
  const found = /^#([^@]*)(?:@([\d.]+(?:e[-+]?\d+)?)-([\d.]+(?:e[-+]?\d+)?))?$/.exec(hash);
  if (!found) return;
  target = found[1];
  if (found[2] !== undefined && Number(found[3]) > Number(found[2])) zoomTo(Number(found[2]), Number(found[3]));
  const place = target === "" ? null : document.getElementById(target);
  for (let around = place; around; around = around.parentElement) if (around.tagName === "DETAILS") around.open = true;
  place?.scrollIntoView();
}

// A place for a chart, with its title and its tools. `chart.content()` returns { plot, legend, note, table } when asked.
function chartBox(parent, id, title, className = "", level = "h4") {
  const chart = { id, title, content: null };
  const heading = element(level, {}, element("bdi", {}, title));
  const tool = (name, does, what) => {
    const button = element("button", { type: "button", "aria-label": `${what}: ${title}` }, name);
    button.addEventListener("click", async () => {
      await does(chart);
      button.textContent = "Done";
      setTimeout(() => { button.textContent = name; }, 1500);
    });
    return button;
  };
  const link = element("a", { href: `#${id}`, "aria-label": `Link to this chart and zoom: ${title}` }, "Link");
  link.addEventListener("click", event => {
    event.preventDefault();
    target = id;
    location.hash = fragmentOf(id);
    copy(location.href);
  });
  const tools = element("div", { class: "actions" }, link, tool("Markdown", asMarkdown, "Copy as Markdown"),
    tool("CSV", asCsv, "Download as CSV"), tool("PNG", asPng, "Download as PNG"));
  const box = element("div", { class: `chart ${className}`, id }, element("div", { class: "head" }, heading, tools));
  parent.append(box);
  return [box, chart];
}

function download(chart, ending, href) {
  const name = `${data.scenario}-${chart.id}.${ending}`.replace(/[^\w.-]+/g, "-");
  element("a", { href, download: name }).click();
}

const cellOfMarkdown = text => String(text).replace(/[\\|`<>*_\[\]]/g, "\\$&").replace(/\s+/g, " ");

function asMarkdown(chart) {
  const { legend, note } = chart.content();
  const rows = legend.map(([name, value]) => `| ${cellOfMarkdown(name)} | ${cellOfMarkdown(value)} |`);
  return copy([`**${cellOfMarkdown(chart.title)}**`, "", `| ${cellOfMarkdown(note)} | |`, "| --- | ---: |", ...rows, "",
    `_${cellOfMarkdown(data.provenance)}_`, ""].join("\n"));
}

// A cell that begins like a formula becomes text, as in the files beside this page.
function cellOfCsv(value) {
  const text = value == null ? "" : String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function asCsv(chart) {
  const { head, rows } = chart.content().table();
  const text = [head, ...rows].map(row => row.map(cellOfCsv).join(",")).join("\n") + "\n";
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  download(chart, "csv", url);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// The chart with its title, its key and where its numbers come from, at the resolution of the screen.
function asPng(chart) {
  const { plot, legend, note } = chart.content();
  const source = plot.ctx.canvas, dpr = devicePixelRatio || 1, pad = 16;
  const made = document.createElement("canvas"), pen = made.getContext("2d");
  const width = source.width / dpr + 2 * pad;
  const bold = "600 15px system-ui, sans-serif", plain = "12px system-ui, sans-serif";
  const lines = (text, font) => {
    pen.font = font;
    const done = [];
    let line = "";
    for (const word of text.split(" ")) {
      const longer = line === "" ? word : `${line} ${word}`;
      if (line !== "" && pen.measureText(longer).width > width - 2 * pad) { done.push(line); line = word; } else line = longer;
    }
    return [...done, line];
  };
  const title = lines(chart.title, bold), about = lines(note, plain), from = lines(data.provenance, plain);
  pen.font = plain;
  const rows = [[]];
  let x = pad;
  for (const [name, value, color] of legend) {
    const text = `${name} ${value}`, long = pen.measureText(text).width + 32;
    if (x > pad && x + long > width - pad) { rows.push([]); x = pad; }
    rows[rows.length - 1].push([x, text, color]);
    x += long;
  }
  const top = pad + title.length * 20 + about.length * 16 + rows.length * 18 + 6;
  const height = top + source.height / dpr + from.length * 16 + pad;
  made.width = width * dpr;
  made.height = height * dpr;
  pen.scale(dpr, dpr);
  pen.fillStyle = style("--paper");
  pen.fillRect(0, 0, width, height);
  pen.textBaseline = "top";
  let y = pad;
  const write = (texts, font, color, step) => {
    pen.font = font;
    pen.fillStyle = style(color);
    for (const text of texts) { pen.fillText(text, pad, y); y += step; }
  };
  write(title, bold, "--ink", 20);
  write(about, plain, "--grey", 16);
  pen.font = plain;
  for (const row of rows) {
    for (const [at, text, color] of row) {
      if (color) { pen.fillStyle = color; pen.fillRect(at, y + 2, 9, 9); }
      pen.fillStyle = style("--ink");
      pen.fillText(text, at + (color ? 14 : 0), y);
    }
    y += 18;
  }
  pen.drawImage(source, pad, top, source.width / dpr, source.height / dpr);
  y = top + source.height / dpr;
  write(from, plain, "--grey", 16);
  download(chart, "png", made.toDataURL("image/png"));
}
