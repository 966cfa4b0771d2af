// What every page shares: numbers in words, elements, the clipboard.

// The rule by which the program shows every number, so that the page shows the same digits.
function number(value) {
  if (value == null) return "–";
  const size = Math.abs(value), whole = Math.abs(value - Math.round(value)) < 1e-9;
  let decimals = size >= 99.95 || whole ? 0 : size >= 9.995 ? 1 : size >= 0.1 ? 2 : 4;
  for (let least = 0.01; decimals >= 4 && decimals < 9 && size < least; least /= 10) decimals += 1;
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

// An element; what it says is text, whatever is in it.
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
  for (const child of children) made.append(child);
  return made;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without the permission of the clipboard, as in a page from disk in some browsers.
    const area = element("textarea", { "aria-hidden": "true", tabindex: "-1", class: "away" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
