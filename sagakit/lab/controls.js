// The controls' front end: knobs, how the run ended, and pictures of it when the knobs rest.

const GRAINS = 200; // steps of a slider
const PAUSE = 400; // ms without an answer after which a turn is sent all the same
const REST = 250; // ms without a turn until the pictures are drawn

function same(one, other) {
  return Object.keys({ ...one, ...other }).every((name) => one[name] === other[name]);
}

function render({ model, el }) {
  let waiting = null; // the turns that are not sent yet: one run at a time is under way
  let sent = 0;
  let rest = 0; // a timer

  function turn(name, value) {
    waiting = { ...(waiting ?? model.get("values")), [name]: value };
    clearTimeout(rest);
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

  function knob({ name, label, kind, value: given, ...of }) {
    const { least, most, top, unit, per, choices, optional } = of;
    const turned = waiting ?? model.get("values");
    const value = name in turned ? turned[name] : given; // null for none
    const whole = element("label", { class: "knob", title: name }, element("span", {}, label));
    const mark = (to) => whole.classList.toggle("turned", to !== given);
    const put = (to) => {
      mark(to);
      turn(name, to);
    };
    const made = (...parts) => {
      whole.append(...parts);
      mark(value);
      return whole;
    };
    if (kind === "switch") {
      const box = element("input", { type: "checkbox", "aria-label": label });
      box.checked = value;
      box.addEventListener("change", () => put(box.checked));
      return made(box);
    }
    if (kind === "choice") {
      const options = choices.map(([value, words]) => element("option", { value }, words));
      const select = element("select", { "aria-label": label }, ...options);
      select.value = value;
      select.addEventListener("change", () => put(select.value));
      return made(select);
    }
    const exact = element("input", { type: "number", step: "any", "aria-label": `${label}, exact` });
    const tell = (value) => (exact.value = value === null ? "" : kind === "amount" ? value : value / per);
    tell(value);
    if (optional) exact.placeholder = "none";
    exact.addEventListener("keydown", ({ key }) => {
      // In JupyterLab, Enter alone does not say that the number is whole.
      if (key === "Enter") exact.dispatchEvent(new Event("change"));
    });
    if (kind === "amount") {
      exact.addEventListener("change", () => exact.value && put(exact.value));
      return made(exact, element("span", { class: "unit" }));
    }
    const step = 10 ** Math.max(0, Math.floor(Math.log10(top / GRAINS)));
    const min = step === 1 ? (least ?? 0) : 0; // a coarse slider keeps to round numbers
    const slider = element("input", { type: "range", min, max: top, step, value: value ?? min });
    slider.setAttribute("aria-label", label);
    const spoken = () => slider.setAttribute("aria-valuetext", `${exact.value || "none"} ${unit}`);
    spoken();
    slider.addEventListener("input", () => {
      const to = Math.max(least ?? 0, Number(slider.value));
      tell(to);
      spoken();
      put(to);
    });
    exact.addEventListener("change", () => {
      if (exact.value === "" && !optional) return;
      const to = exact.value === "" ? null : Math.round(exact.value * per);
      slider.value = to ?? min;
      spoken();
      put(to);
    });
    return made(slider, exact, element("span", { class: "unit" }, unit));
  }

  const knobs = element("div", { class: "knobs", role: "group", "aria-label": "Controls" });
  const summary = element("summary");
  const folded = element("details");
  const again = button("Reset: all as it was given", "Reset", reset);

  function lay() {
    const [first, more] = [[], []];
    const aside = /^(wallets|payments|texts|redrives|recovery|timing)/;
    for (const one of model.get("knobs")) (aside.test(one.name) ? more : first).push(one);
    summary.textContent = `More: ${[...new Set(more.map(({ name }) => aside.exec(name)[0]))].join(", ")}`;
    folded.replaceChildren(summary, ...more.map(knob));
    knobs.replaceChildren(again, ...first.map(knob), ...(more.length ? [folded] : []));
    again.disabled = !Object.keys(waiting ?? model.get("values")).length;
  }

  lay();
  const problem = element("p", { class: "problem", role: "alert" });
  const sagas = element("select", { "aria-label": "Saga" });
  sagas.addEventListener("change", () => {
    model.set("saga", sagas.value);
    model.save_changes();
  });
  const choice = element("label", {}, "Saga ", sagas);
  const outcome = element("table", { "aria-label": "Outcome" });
  const news = element("p", { class: "unseen", role: "status" }); // what changed, to be heard
  const plain = element("div", { class: "plain" });
  const sequence = element("div", { class: "diagram", role: "group", "aria-label": "Diagram" });
  const pictures = element("div", { class: "pictures", "aria-busy": true }, plain, choice, sequence);
  const controls = element(
    "div",
    { class: "sagakit-lab sagakit-controls", role: "group", "aria-label": model.get("title") },
    element("div", { class: "panes" }, knobs, element("div", {}, problem, outcome, news), pictures),
  );

  function show() {
    const now = model.get("shown");
    problem.textContent = now.problem;
    const rows = now.outcome.map((one, place) => row(one, now.changed.includes(place)));
    outcome.replaceChildren(element("caption", {}, "Outcome"), ...rows);
    news.textContent = now.changed.map((place) => now.outcome[place].join(": ")).join("; ");
    sagas.replaceChildren(...now.sagas.map((name) => element("option", {}, name)));
    sagas.value = model.get("saga");
    choice.hidden = now.sagas.length < 2;
    again.disabled = !Object.keys(waiting ?? model.get("values")).length;
    sent = 0;
    send();
    draw();
    if (pictures.ariaBusy === "false") return;
    clearTimeout(rest);
    rest = setTimeout(() => model.send({ do: "draw" }), model.get("pictures").of ? REST : 0);
  }

  function draw() {
    const { of, plain: drawn, sequence: arrows } = model.get("pictures");
    pictures.setAttribute("aria-busy", of !== model.get("shown").answer);
    if (pictures.ariaBusy === "true") return;
    plain.innerHTML = drawn;
    inPieces(sequence, arrows);
  }

  model.on("change:shown", show);
  model.on("change:pictures", draw);
  model.on("change:values", () => sent || lay()); // turned from elsewhere: a cell, another view
  el.append(controls);
  show();
}

export default { render };
