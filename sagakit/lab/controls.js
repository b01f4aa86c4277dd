// The controls' front end: knobs on the left, and what comes of them drawn on the right.

const WIDE = 900; // of both drawings
const EDGE = 130; // left of the timeline's bars
const ROW = 9;
const GRAINS = 200; // steps of a slider
const PAUSE = 400; // ms without an answer after which a turn is sent all the same

function words(x, y, text, anchor = "start", kind = "") {
  return shape("text", { x, y, "text-anchor": anchor, class: kind }, text);
}

function drawing(label, tall) {
  return shape("svg", { viewBox: `0 0 ${WIDE} ${tall}`, role: "img", "aria-label": label });
}

function drawTimeline({ lanes, bars, ticks, cuts, unit }) {
  const tops = [];
  let y = 6;
  for (const { rows } of lanes) {
    tops.push(y);
    y += Math.max(rows * ROW, 18) + 5;
  }
  const svg = drawing("Timeline", y + 30);
  lanes.forEach(({ name, rows }, place) => {
    const tall = Math.max(rows * ROW, 18);
    svg.append(shape("rect", { x: EDGE, y: tops[place], width: 770, height: tall, class: "lane" }));
    svg.append(words(EDGE - 6, tops[place] + tall / 2 + 4, name, "end"));
  });
  for (const { lane, row, x, wide, colour, bad, text } of bars) {
    const bar = shape("rect", {
      x: EDGE + x,
      y: tops[lane] + row * ROW + 1,
      width: Math.max(wide, 2.5),
      height: ROW - 2,
      fill: colour,
      class: bad ? "bad" : "",
    });
    bar.append(shape("title", {}, text));
    svg.append(bar);
  }
  for (const x of cuts) {
    svg.append(shape("line", { x1: EDGE + x, x2: EDGE + x, y1: 2, y2: y, class: "cut" }));
  }
  for (const [x, label] of ticks) svg.append(words(EDGE + x, y + 10, label, "middle", "tick"));
  const idle = cuts.length ? "; a dashed line stands for an idle stretch that is left out" : "";
  svg.append(words(EDGE, y + 25, `virtual time (${unit})${idle}`, "start", "tick"));
  return svg;
}

const LINES = { return: "5 3", refused: "5 3", dead: "2 3", lost: "2 3", late: "2 3" };
const WRONG = ["refused", "dead", "lost", "alarm"];

function drawSequence({ lanes, steps, left }) {
  const x = (lane) => 80 + ((WIDE - 90) / lanes.length) * (lane + 0.5);
  const svg = drawing("Sequence diagram", 46 + steps.length * 24 + 16);
  lanes.forEach((name, lane) => {
    const bottom = 46 + steps.length * 24;
    svg.append(shape("line", { x1: x(lane), x2: x(lane), y1: 40, y2: bottom, class: "life" }));
    lines(name).forEach((part, line) =>
      svg.append(words(x(lane), 12 + 11 * line, part, "middle", "head")),
    );
  });
  let before = "";
  steps.forEach(({ time, source, target, sign, text }, place) => {
    const y = 46 + 24 * (place + 1) - 6;
    const [from, to] = [x(source), x(target)];
    const kind = WRONG.includes(sign) ? "wrong" : "";
    if (time !== before) svg.append(words(62, y + 3, time, "end", "tick"));
    before = time;
    if (source !== target) {
      const line = { x1: from, x2: to, y1: y, y2: y, class: `arrow ${kind}` };
      if (LINES[sign]) line["stroke-dasharray"] = LINES[sign];
      svg.append(shape("line", line));
      const back = to > from ? -7 : 7;
      const points = `${to + back},${y - 3.5} ${to},${y} ${to + back},${y + 3.5}`;
      svg.append(shape("polyline", { points, class: `tip ${kind} ${sign === "call" ? "full" : ""}` }));
    }
    const room = text.length * 6.1; // about as wide as it is drawn
    const middle = Math.max(72 + room / 2, Math.min((from + to) / 2, WIDE - 4 - room / 2));
    svg.append(words(middle, y - 4, text, "middle", `says ${kind}`));
  });
  if (left) svg.append(words(80, 46 + steps.length * 24 + 12, `${left} more arrows`, "start", "tick"));
  return svg;
}

function same(one, other) {
  return Object.keys({ ...one, ...other }).every((name) => one[name] === other[name]);
}

function render({ model, el }) {
  let waiting = null; // the turns that are not sent yet: one run at a time is under way
  let sent = 0;

  function turn(values) {
    waiting = { ...(waiting ?? model.get("values")), ...values };
    if (!sent || performance.now() - sent > PAUSE) send();
  }

  function send() {
    const to = waiting;
    waiting = null;
    if (to === null || same(to, model.get("values"))) return; // to the same there is no answer
    sent = performance.now();
    model.set("values", to);
    model.save_changes();
  }

  function reset() {
    if (!Object.keys(waiting ?? model.get("values")).length) return;
    waiting = {};
    lay();
    if (!sent) send();
  }

  function knob({ name, kind, value: given, ...of }) {
    const { least, most, top, unit, about, choices, optional } = of;
    const turned = waiting ?? model.get("values");
    const value = name in turned ? turned[name] : given; // null for none
    const label = unit ? `${name} (${unit})` : name;
    const said = element("span", {}, about ? `${label}: ${about}` : label);
    if (kind === "switch") {
      const box = element("input", { type: "checkbox", "aria-label": label });
      box.checked = value;
      box.addEventListener("change", () => turn({ [name]: box.checked }));
      return element("label", { class: "knob" }, said, box);
    }
    if (kind === "choice") {
      const options = choices.map((word) => element("option", {}, word));
      const select = element("select", { "aria-label": label }, ...options);
      select.value = value;
      select.addEventListener("change", () => turn({ [name]: select.value }));
      return element("label", { class: "knob" }, said, select);
    }
    const exact = element("input", { type: "number", "aria-label": `${label}, exact` });
    exact.value = value ?? "";
    if (optional) exact.placeholder = "none";
    exact.addEventListener("keydown", ({ key }) => {
      // In JupyterLab, Enter alone does not say that the number is whole.
      if (key === "Enter") exact.dispatchEvent(new Event("change"));
    });
    if (kind === "amount") {
      exact.setAttribute("step", "0.01");
      exact.addEventListener("change", () => exact.value && turn({ [name]: exact.value }));
      return element("label", { class: "knob" }, said, exact);
    }
    if (least !== null) exact.min = least;
    if (most !== null) exact.max = most;
    if (least !== null) exact.title = most === null ? `${least} or more` : `${least} to ${most}`;
    const step = 10 ** Math.max(0, Math.floor(Math.log10(top / GRAINS)));
    const min = step === 1 ? (least ?? 0) : 0; // a coarse slider keeps to round numbers
    const slider = element("input", { type: "range", min, max: top, step, value: value ?? min });
    slider.setAttribute("aria-label", label);
    slider.addEventListener("input", () => {
      const to = Math.max(least ?? 0, Number(slider.value));
      exact.value = to;
      turn({ [name]: to });
    });
    exact.addEventListener("change", () => {
      if (exact.value === "" && !optional) return;
      slider.value = exact.value || min;
      turn({ [name]: exact.value === "" ? null : Number(exact.value) });
    });
    return element("label", { class: "knob" }, said, slider, exact);
  }

  const knobs = element("div", { class: "knobs", role: "group", "aria-label": "Controls" });
  const summary = element("summary", {}, "The rest");
  const rest = element("details");
  const again = button("Reset: all as it was given", "Reset", reset);

  function lay() {
    const [first, more] = [[], []];
    for (const one of model.get("knobs")) {
      const aside = /^(wallets|payments|texts|redrives|recovery|timing)/.test(one.name);
      (aside ? more : first).push(knob(one));
    }
    rest.replaceChildren(summary, ...more);
    knobs.replaceChildren(...first, ...(more.length ? [rest] : []));
  }

  lay();
  const problem = element("p", { class: "problem", role: "alert" });
  const sagas = element("select", { "aria-label": "Saga" });
  sagas.addEventListener("change", () => {
    sent = performance.now();
    model.set("saga", sagas.value);
    model.save_changes();
  });
  const outcome = element("table", { "aria-label": "Outcome" });
  const timeline = element("div", { class: "timeline" });
  const sequence = element("div", { class: "sequence" });
  const took = element("p", { class: "took", role: "status" });
  const shown = element(
    "div",
    { class: "shown" },
    problem, outcome, timeline, element("label", {}, "Saga ", sagas), sequence, took,
  );
  const controls = element(
    "div",
    { class: "sagakit-controls", role: "group", "aria-label": model.get("title") },
    again,
    element("div", { class: "panes" }, knobs, shown),
  );

  function show() {
    const now = model.get("shown");
    problem.textContent = now.problem;
    const rows = now.outcome.map((one, place) => row(one, now.changed.includes(place)));
    outcome.replaceChildren(element("caption", {}, "Outcome"), ...rows);
    timeline.replaceChildren(drawTimeline(now.timeline));
    sagas.replaceChildren(...now.sagas.map((name) => element("option", {}, name)));
    sagas.value = now.saga;
    sequence.replaceChildren(drawSequence(now.sequence));
    if (!sent) return;
    const ms = Math.round(performance.now() - sent);
    controls.setAttribute("data-ms", ms);
    took.textContent = `Redrawn in ${ms} ms.`;
    sent = 0;
    send();
  }

  model.on("change:shown", show);
  model.on("change:values", () => sent || lay()); // turned from elsewhere: a cell, another view
  el.append(controls);
  show();
}

export default { render };
