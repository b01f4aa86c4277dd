// The player's front end: it moves, and shows what the kernel says of each step.

function table(name, rows) {
  const body = element("tbody", {}, ...rows.map((one) => row(one.slice(0, 3), one[3])));
  return element("table", { "aria-label": name }, element("caption", {}, name), body);
}

const MARKS = ["conflict", "retry", "compensation"];
const SPEEDS = [0.5, 1, 2, 4]; // steps a second while it plays by itself
const KEYS = "Keys: ← → Home End; Space plays; Esc leaves";

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
  const auto = button("Play or pause", "Play", play);
  const times = SPEEDS.map((one) => element("option", { value: one }, `${one}×`));
  const speed = element("select", { "aria-label": "Speed", title: "Steps a second" }, ...times);
  speed.value = 1;
  speed.addEventListener("change", () => timer && start());

  function play() {
    if (timer) return pause();
    if (model.get("step") === last()) move(0);
    start();
  }

  function start() {
    clearInterval(timer);
    const next = () => (player.isConnected ? move(model.get("step") + 1) : pause());
    timer = setInterval(next, 1000 / speed.value);
    auto.textContent = "Pause";
  }

  function pause() {
    clearInterval(timer);
    timer = 0;
    auto.textContent = "Play";
  }

  const slider = element("input", { type: "range", min: 0, "aria-label": "Step" });
  slider.addEventListener("input", () => move(Number(slider.value)));
  const counter = element("span", { class: "counter" });
  const sagas = element("select", { "aria-label": "Saga" });
  const choice = element("label", {}, "Saga ", sagas);
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
  const second = element("div", { class: "bar" }, choice, ...jumps);
  const said = element("p", { class: "said", role: "status", "aria-label": "What happens" });
  const notice = element("p", { class: "notice", role: "status", "aria-label": "Which run" });
  const diagram = element("div", { class: "diagram", role: "group", "aria-label": "Diagram" });
  const wait = (yes) => diagram.setAttribute("aria-busy", yes); // until it is drawn anew
  const [left, middle, right] = [1, 2, 3].map(() => element("div"));
  const state = element("div", { class: "state" }, left, middle, right);
  const player = element(
    "div",
    {
      class: "sagakit-lab sagakit-player",
      tabindex: 0,
      role: "group",
      "aria-label": `Player. ${KEYS}`,
      "data-lm-suppress-shortcuts": "true", // the keys are ours, not the notebook's
    },
    element("div", { class: "bar" }, ...buttons, auto, speed, slider, counter),
    second,
    notice,
    element("div", { class: "happens" }, said, element("span", { class: "keys" }, KEYS)),
    element("div", { class: "panes" }, diagram, state),
  );

  const keys = {
    ArrowRight: go["Next step"][0],
    ArrowDown: go["Next step"][0],
    ArrowLeft: go["Previous step"][0],
    ArrowUp: go["Previous step"][0],
    Home: go["First step"][0],
    End: go["Last step"][0],
    " ": play,
  };
  player.addEventListener("keydown", (event) => {
    const { key, target } = event;
    const itsOwn = [slider, sagas, speed].includes(target) || (key === " " && target !== player);
    if (key === "Escape") player.closest(".jp-Notebook")?.focus(); // whose keys are back
    if (!(key in keys) || itsOwn || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    keys[key]();
  });

  let byKey = false; // what was pressed last
  for (const press of ["pointerdown", "keydown"])
    player.addEventListener(
      press,
      ({ target, key }) => {
        byKey = press === "keydown";
        if (![auto, speed].includes(target) && key !== " ") pause(); // whatever else is pressed
      },
      true,
    );

  let cover, band, heads;

  function draw() {
    const { svg, steps, heads: between } = model.get("drawing");
    const { picture, wide, tall, ...of } = inPieces(diagram, { svg, heads: between });
    heads = of.heads;
    band = shape("rect", { class: "band", width: wide }); // over the step that is shown
    cover = shape("rect", { class: "cover", width: wide, height: tall }); // over what is to come
    picture.append(band, cover);
    slider.max = steps.length;
    const names = model.get("sagas");
    sagas.replaceChildren(...names.map((name) => element("option", {}, name)));
    sagas.value = model.get("saga");
    choice.hidden = names.length < 3; // all, and the only one
    show();
  }

  function marks() {
    MARKS.forEach((name, place) => {
      const saga = model.get("elsewhere")[name];
      jumps[place].hidden = !saga && !(name in model.get("landmarks"));
      jumps[place].title = saga ? `First ${name}, in saga ${saga}` : `First ${name}`;
      jumps[place].setAttribute("aria-label", jumps[place].title);
    });
    second.hidden = [choice, ...jumps].every((one) => one.hidden);
  }

  // Scroll the diagram, and not the page, so that the step that is shown is seen.
  function follow() {
    if (!model.get("step")) return (diagram.scrollTop = 0);
    const [pane, now] = [diagram, band].map((one) => one.getBoundingClientRect());
    const seen = pane.top + heads.getBoundingClientRect().height;
    if (now.top < seen || now.bottom > pane.bottom - 20)
      diagram.scrollTop += now.bottom - seen - (pane.bottom - seen) * 0.7;
  }
  new ResizeObserver(follow).observe(diagram);

  function show() {
    const { steps } = model.get("drawing");
    const step = Math.min(model.get("step"), steps.length);
    const number = (some) => Math.max(0, ...some.map((one) => one.number));
    slider.value = step;
    counter.textContent = `arrow ${number(steps.slice(0, step))} of ${number(steps)}`;
    slider.setAttribute("aria-valuetext", counter.textContent);
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
    cover.setAttribute("y", step ? bottom + 3.5 : top - 1);
    cover.setAttribute("visibility", done ? "hidden" : "visible");
    band.setAttribute("y", top - 1);
    band.setAttribute("height", bottom - top + 4);
    band.setAttribute("visibility", step ? "visible" : "hidden");
    follow();
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
    const tables = now.sections.map(({ name, rows }) => table(name, rows));
    const of = (name) => tables.filter((one) => one.ariaLabel === name);
    left.replaceChildren(...of("Queues"), next);
    middle.replaceChildren(...of("Stores"), ...of("Breaker"));
    right.replaceChildren(...(now.event.length ? [table("Event", now.event)] : []));
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
