// The player's front end: it moves, and shows what the kernel says of each step.

function table(name, rows) {
  const body = element("tbody", {}, ...rows.map((one) => row(one.slice(0, 3), one[3])));
  return element("table", { "aria-label": name }, element("caption", {}, name), body);
}

const MARKS = ["conflict", "retry", "compensation"];
const PACE = 1000; // ms a step while it plays by itself

function render({ model, el }) {
  const last = () => model.get("drawing").steps.length;

  function move(step) {
    const to = Math.max(0, Math.min(last(), step));
    if (to === model.get("step")) return;
    model.set("step", to);
    model.save_changes();
  }

  const go = {
    "First step": [() => move(0), "First"],
    "Previous step": [() => move(model.get("step") - 1), "Back"],
    "Next step": [() => move(model.get("step") + 1), "Next"],
    "Last step": [() => move(last()), "Last"],
  };
  const buttons = Object.entries(go).map(([label, [press, sign]]) => button(label, sign, press));
  let timer = 0; // while it plays by itself
  const auto = button("Play or pause", "Play", () => {
    if (timer) return pause();
    if (model.get("step") === last()) move(0);
    timer = setInterval(() => (player.isConnected ? move(model.get("step") + 1) : pause()), PACE);
    auto.textContent = "Pause";
  });

  function pause() {
    clearInterval(timer);
    timer = 0;
    auto.textContent = "Play";
  }

  const slider = element("input", { type: "range", min: 0, "aria-label": "Step" });
  slider.addEventListener("input", () => move(Number(slider.value)));
  const counter = element("span", { class: "counter" });
  const sagas = element("select", { "aria-label": "Saga" });
  sagas.addEventListener("change", () => {
    wait(true);
    model.set("saga", sagas.value);
    model.save_changes();
  });
  const jumps = MARKS.map((name) =>
    button(`First ${name}`, `First ${name}`, () => {
      wait(name in model.get("elsewhere"));
      model.send({ do: "jump", name });
    }),
  );
  const said = element("p", { class: "said", role: "status", "aria-label": "What happens" });
  const notice = element("p", { class: "notice", role: "status", "aria-label": "Which run" });
  const diagram = element("div", { class: "diagram", role: "group", "aria-label": "Diagram" });
  const wait = (yes) => diagram.setAttribute("aria-busy", yes); // until it is drawn anew
  const heads = element("div", { class: "heads", "aria-hidden": "true" }); // above what is scrolled
  const state = element("div", { class: "state" });
  const player = element(
    "div",
    {
      class: "sagakit-player",
      tabindex: 0,
      role: "group",
      "aria-label": "Player: arrow keys step, Home and End go to the ends",
      "data-lm-suppress-shortcuts": "true", // the keys are ours, not the notebook's
    },
    element("div", { class: "bar" }, ...buttons, auto, slider, counter),
    element("div", { class: "bar" }, element("label", {}, "Saga ", sagas), ...jumps),
    notice,
    said,
    element("div", { class: "panes" }, diagram, state),
  );

  const keys = {
    ArrowRight: "Next step",
    ArrowDown: "Next step",
    ArrowLeft: "Previous step",
    ArrowUp: "Previous step",
    Home: "First step",
    End: "Last step",
  };
  player.addEventListener("keydown", (event) => {
    const itsOwn = event.target === slider || event.target === sagas;
    if (event.key === "Escape") player.closest(".jp-Notebook")?.focus(); // whose keys are back
    if (!(event.key in keys) || itsOwn || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    go[keys[event.key]][0]();
  });

  let byKey = false; // what was pressed last
  for (const press of ["pointerdown", "keydown"])
    player.addEventListener(
      press,
      ({ target }) => {
        byKey = press === "keydown";
        if (target !== auto) pause(); // whatever else is pressed stops it
      },
      true,
    );

  function behead() {
    const { steps } = model.get("drawing");
    heads.hidden = !steps.length || diagram.scrollTop <= (steps[0].top - 30) * scale();
  }
  diagram.addEventListener("scroll", behead);

  let cover, band;

  // Pixels a point of the picture.
  const scale = () => diagram.scrollWidth / Number(band.getAttribute("width"));

  function draw() {
    const { svg, steps, lanes } = model.get("drawing");
    diagram.innerHTML = svg;
    const picture = diagram.querySelector("svg");
    const [, , wide, tall] = picture.getAttribute("viewBox").split(" ").map(Number);
    picture.removeAttribute("height");
    picture.setAttribute("width", "100%");
    picture.setAttribute("aria-label", "Sequence diagram");
    const names = shape("svg", { viewBox: `0 0 ${wide} 36`, width: "100%" });
    for (const [name, x] of Object.entries(lanes))
      lines(name).forEach((part, line) => names.append(shape("text", { x, y: 10 + 10 * line }, part)));
    heads.replaceChildren(names);
    diagram.prepend(heads);
    band = shape("rect", { class: "band", width: wide }); // over the step that is shown
    cover = shape("rect", { class: "cover", width: wide, height: tall }); // over what is to come
    picture.append(band, cover);
    behead();
    slider.max = steps.length;
    sagas.replaceChildren(...model.get("sagas").map((name) => element("option", {}, name)));
    sagas.value = model.get("saga");
    show();
  }

  function marks() {
    MARKS.forEach((name, place) => {
      const saga = model.get("elsewhere")[name];
      jumps[place].hidden = !saga && !(name in model.get("landmarks"));
      jumps[place].title = saga ? `First ${name}, in saga ${saga}` : `First ${name}`;
      jumps[place].setAttribute("aria-label", jumps[place].title);
    });
  }

  function show() {
    const { steps } = model.get("drawing");
    const step = Math.min(model.get("step"), steps.length);
    slider.value = step;
    slider.setAttribute("aria-valuetext", `step ${step} of ${steps.length}`);
    counter.textContent = `step ${step} of ${steps.length}`;
    player.setAttribute("data-step", step);
    const done = step === steps.length;
    if (done) pause();
    buttons.forEach((one, place) => {
      const held = one === document.activeElement;
      one.disabled = place < 2 ? step === 0 : done;
      if (held && one.disabled) player.focus({ preventScroll: true }); // keep the keys
    });
    auto.disabled = !steps.length;
    if (!steps.length) return;
    const { top, bottom } = steps[Math.max(step - 1, 0)];
    cover.setAttribute("y", step ? bottom + 5 : top - 4);
    cover.setAttribute("visibility", done ? "hidden" : "visible");
    band.setAttribute("y", top - 1);
    band.setAttribute("height", bottom - top + 5);
    band.setAttribute("visibility", step ? "visible" : "hidden");
    const y = bottom * scale();
    if (!step) diagram.scrollTop = 0;
    else if (y > diagram.scrollTop + diagram.clientHeight - 30 || y < diagram.scrollTop + 90)
      diagram.scrollTop = y - diagram.clientHeight * 0.7;
    // Under a mouse the page stays where it is: the next press would miss its button.
    if (byKey && player.contains(document.activeElement)) band.scrollIntoView({ block: "nearest" });
  }

  function another(run) {
    wait(true);
    model.send(run);
  }

  function choices(of, wrong) {
    const list = element("ul");
    of.forEach(({ text, came }, number) => {
      const run = button(`Run: ${text}`, "Run", () => another({ do: "choose", number, wrong }));
      const first = came ? element("em", {}, "came next") : run;
      list.append(element("li", {}, first, element("span", {}, ` ${text}`)));
    });
    return list;
  }

  let open = false; // whether what could go wrong is unfolded; it stays so from step to step

  function perils(of) {
    const summary = element("summary", {}, `What could go wrong here (${of.length})`);
    const folded = element("details", {}, summary, choices(of, true));
    folded.open = open;
    folded.addEventListener("toggle", () => (open = folded.open));
    return folded;
  }

  function tell() {
    const now = model.get("now");
    said.textContent = now.text;
    notice.textContent = model.get("notice");
    const parts = now.sections.map(({ name, rows }) => table(name, rows));
    if (now.event.length) parts.push(table("Event", now.event));
    const next = element("section", { "aria-label": "What could have come next" });
    next.append(element("h4", {}, "What could have come next"));
    if (now.ready.length) next.append(choices(now.ready, false));
    if (now.perils.length) next.append(perils(now.perils));
    if (now.remark) next.append(element("p", {}, now.remark));
    if (now.clock)
      next.append(button("Play by schedule", "Play by schedule", () => another({ do: "schedule" })));
    if (now.former)
      next.append(button("Run before", "Back to the run before", () => another({ do: "back" })));
    const held = state.contains(document.activeElement);
    state.replaceChildren(...parts, next);
    if (held) player.focus({ preventScroll: true }); // what had the keys is gone
  }

  model.on("change:drawing", draw);
  model.on("change:step", show);
  model.on("change:landmarks change:elsewhere", marks);
  model.on("change:now change:notice", tell);
  model.on("change:drawing change:now", () => wait(false));
  el.append(player);
  draw();
  marks();
  tell();
}

export default { render };
