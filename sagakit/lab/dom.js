// What both front ends build their pages with; it stands before each of them.

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (["button", "input", "select"].includes(name))
    made.setAttribute("data-lm-suppress-shortcuts", "true"); // its keys are not the notebook's
  made.append(...children);
  return made;
}

function button(label, text, press) {
  const made = element("button", { type: "button", "aria-label": label, title: label }, text);
  made.addEventListener("click", press);
  return made;
}

// A row of a table, its name first. That it has changed is seen, and said to a screen reader.
function row([name, ...texts], changed) {
  const cells = texts.map((text) => element("td", {}, text));
  const made = element("tr", {}, element("th", { scope: "row" }, name), ...cells);
  if (changed) {
    made.classList.add("changed");
    made.setAttribute("data-changed", "");
    cells.at(-1).append(element("span", { class: "unseen" }, " (changed)"));
  }
  return made;
}

function shape(name, attributes = {}, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

let pictures = 0; // that were drawn: each needs a name of its own in the page

// A sequence diagram in three pieces: its title and legend, the lanes' heads, which stay above what
// is scrolled, and all the rest. `heads`: from where to where they go in the picture.
function inPieces(diagram, { svg, heads: [above, below] }) {
  diagram.innerHTML = svg;
  const picture = diagram.querySelector("svg");
  const [, , wide, tall] = picture.getAttribute("viewBox").split(" ").map(Number);
  const name = `sagakit-picture-${++pictures}`;
  picture.querySelector("g").id = name;
  const piece = (top, bottom, kind) => {
    const viewBox = `0 ${top} ${wide} ${bottom - top}`;
    const made = shape("svg", { viewBox, class: kind, "aria-hidden": "true" });
    made.append(shape("use", { href: `#${name}` }));
    return made;
  };
  const heads = piece(above, below, "heads");
  diagram.prepend(piece(0, above, "legend"), heads);
  picture.removeAttribute("height");
  picture.removeAttribute("width");
  picture.setAttribute("viewBox", `0 ${below} ${wide} ${tall - below}`);
  picture.setAttribute("aria-label", "Sequence diagram");
  return { picture, heads, wide, tall };
}

