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

// A name in lines: at its spaces and humps.
function lines(name) {
  return name.split(/ |(?<=[a-z])(?=[A-Z])/);
}

function shape(name, attributes = {}, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

