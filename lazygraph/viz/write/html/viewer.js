// The page's start: reads the data, shows it, listens.

function relook() {
  stage.look = readLook(model.marks);
  stage.mapped = null;
  fillLegend(stage, model.legend);
  redraw();
}

// On paper: all of it, dark on light.
function print(isOn) {
  const root = document.documentElement;
  if (isOn) stage.beforePrint = { theme: root.dataset.theme, camera: stage.camera };
  root.dataset.theme = isOn ? "light" : stage.beforePrint.theme;
  relook();
  resize(isOn ? 3 : undefined);
  look(isOn ? fitted(whole(), { x: 0, y: 0, ...stage.size }) : stage.beforePrint.camera, false);
  paintNow();
}

function listen() {
  const on = (target, doings) => Object.entries(doings).forEach(([name, doing]) => target.addEventListener(name, doing));
  on(canvas, {
    pointerdown: press, pointermove: move, pointerup: release, pointercancel: release,
    pointerleave: () => point(null), dblclick: () => stage.selected >= model.n && toggleGroup(stage.selected),
  });
  canvas.addEventListener("wheel", wheel, { passive: false });
  on(map, { pointerdown: jump, pointermove: jump });
  on(byId("query"), { input: search });
  on(byId("search"), { submit: (event) => event.preventDefault() });
  on(byId("query"), { keydown: (event) => event.key === "Enter" && step(event.shiftKey ? -1 : 1) });
  const clicks = { next: () => step(1), previous: () => step(-1), in: DOINGS["+"], out: DOINGS["-"], fit: () => fit(), all: toggleAll, list: DOINGS.l, help: DOINGS["?"] };
  for (const name in clicks) byId(name).addEventListener("click", () => clicks[name]());
  on(document, { keydown: key });
  on(window, { beforeprint: () => print(true), afterprint: () => print(false) });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", relook);
  new ResizeObserver(() => resize()).observe(canvas);
}

// For tests, and for those who want to steer the page from a script of their own.
const handle = {
  state: () => ({
    view: stage.view.kind, boxes: stage.view.n, edges: stage.view.m, camera: { ...stage.camera },
    selected: stage.selected, name: model.items.name[stage.selected] ?? null, hits: [...stage.hits],
    open: [...stage.open], needed: flaggedTasks(NEEDED), needing: flaggedTasks(NEEDING),
    items: model.items.n, tasks: model.n, isGliding: !!stage.move,
  }),
  locate: (id) => {
    const { view, camera } = stage, k = view.at[id];
    if (k < 0) return null;
    const { s, x, y } = camera;
    return { x: s * view.x[k] + x, y: s * view.y[k] + y, w: s * view.w[k], h: s * view.h[k] };
  },
  zoomTo: (s) => look({ s, x: 0, y: 0 }, false),
  redraw: paintNow,
};

const flaggedTasks = (bit) =>
  stage.flags ? Array.from(stage.flags.subarray(0, model.n).keys()).filter((n) => stage.flags[n] & bit) : [];

async function start() {
  model = readModel(await unpacked(byId("data").textContent));
  model.links = linksOf(model.tasks);
  model.groupLinks = model.groups && linksOf(model.groups);
  const { items, palette, shapes, marks, rules, flow } = model;
  stage = {
    items, palette, shapes, marks, rules, flow, nouns: model.n === model.nTasks ? ["task"] : ["box", "boxes"],
    open: new Set(), selected: -1, hover: -1, flags: null, hits: [],
    leftOut: (id) => Math.max(0, model.members[id - model.n].length - MOST_CELLS),
    hit: -1, hitFlags: null, listed: false, mapped: null, camera: { s: 1, x: 0, y: 0 }, isFitted: true,
  };
  setView(model.groups ? groupsView(model, stage.open) : tasksView(model));
  byId("all").hidden = !model.groups;
  relook();
  resize();
  fillKeys(byId("keys"));
  listen();
  paintNow();
  window.lazygraph = handle;
}

start().catch((error) => {
  byId("about").firstElementChild.textContent = `This page needs a browser of 2023 or newer (${error.message})`;
});
