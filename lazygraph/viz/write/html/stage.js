// What is shown now. All that can change stands in `stage`; every change ends in `redraw`, which
// paints once per frame.

const GLIDE_MS = 180, CLICK_PX = 4;
const canvas = byId("canvas"), map = byId("map");
let model, stage, isAsked = false;

function redraw() {
  if (!isAsked) requestAnimationFrame(frame);
  isAsked = true;
}

function frame(now) {
  isAsked = false;
  if (stage.move) glide(now);
  paintNow();
}

function paintNow() {
  paint(canvas.getContext("2d"), stage);
  paintMap();
}

function resize(ratio = devicePixelRatio || 1) {
  const size = { w: canvas.clientWidth || 1, h: canvas.clientHeight || 1 };
  Object.assign(stage, { size, ratio });
  Object.assign(canvas, { width: Math.round(size.w * ratio), height: Math.round(size.h * ratio) });
  if (stage.isFitted) fit(false);
  redraw();
}

// ---- camera
const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function look(to, isSlow = true) {
  stage.move = isSlow && !isStill() ? { from: stage.camera, began: performance.now() } : null;
  stage.goal = to;
  stage.isFitted = false;
  if (!stage.move) stage.camera = to;
  redraw();
}

function glide(now) {
  const { from, began } = stage.move, part = Math.min(1, Math.max(0, (now - began) / GLIDE_MS));
  stage.camera = between(from, stage.goal, part * (2 - part));
  if (part < 1) return redraw();
  stage.camera = stage.goal;
  stage.move = null;
}

// The part of the screen that bars and panels leave free.
function room() {
  const { size } = stage, panel = byId("panel");
  const right = panel.hidden || size.w < 800 ? 28 : 340;
  return { x: 28, y: 64, w: Math.max(200, size.w - 28 - right), h: Math.max(100, size.h - 92) };
}

const whole = () => ({ x: 0, y: 0, w: stage.view.width, h: stage.view.height });

const zoom = (factor, x = stage.size.w / 2, y = stage.size.h / 2, isSlow = true) =>
  look(zoomed(isSlow ? stage.goal : stage.camera, factor, x, y), isSlow);
function fit(isSlow = true) {
  look(fitted(whole(), room()), isSlow);
  stage.isFitted = true;
}

const pan = (dx, dy) => look(panned(stage.camera, dx, dy), false);

function goTo(node) {
  const { view, goal } = stage, readable = Math.min(1, 26 / view.h[node]);
  const s = view.framed[node] ? goal.s : Math.max(goal.s, readable);
  look(centred(s, view.x[node], view.y[node], room()));
}

// Moves only as far as it must.
function show(node) {
  const { view, goal } = stage, { x, y, w, h } = room();
  const left = goal.s * view.x[node] + goal.x - x, top = goal.s * view.y[node] + goal.y - y;
  if (left < 0 || left > w || top < 0 || top > h) look(centred(goal.s, view.x[node], view.y[node], room()));
}

// ---- views
function setView(view) {
  const { items } = model, id = stage.selected;
  stage.view = view;
  stage.hover = -1;
  stage.mapped = null;
  if (id >= 0 && view.at[id] < 0) select(id < model.n ? groupItem(id) : -1);
  byId("all").textContent = view.kind === "tasks" ? "Collapse all" : "Expand all";
  const caption = model.captions[view.kind === "tasks" ? 0 : 1] || plural(model.nTasks, "task");
  byId("about").firstElementChild.textContent = [model.title, caption].filter(Boolean).join(" · ");
  byId("about").title = caption;
  const label = `Task graph, ${plural(model.nTasks, "task")} in ${plural(view.n, "box", "boxes")}`;
  canvas.setAttribute("aria-label", items.n ? label : "Task graph");
  if (stage.listed) toggleList(true);
  redraw();
}

const groupItem = (task) => (model.groupOf[task] < 0 ? -1 : model.n + model.groupOf[task]);

function toggleAll() {
  if (!model.groups) return;
  stage.open.clear();
  setView(stage.view.kind === "tasks" ? groupsView(model, stage.open) : tasksView(model));
  if (stage.selected >= 0) refreshDetails();
  fit();
}

// Opens or closes a group, and keeps it in sight.
function toggleGroup(id) {
  if (!model.groups || id < 0 || stage.view.kind === "tasks") return;
  const g = id < model.n ? model.groupOf[id] : id - model.n;
  if (!stage.open.delete(g)) stage.open.add(g);
  setView(groupsView(model, stage.open));
  select(model.n + g);
  if (!stage.open.has(g)) return fit();
  const { view } = stage, node = view.at[model.n + g], [w, h] = [view.w[node], view.h[node]];
  look(fitted({ x: view.x[node] - w / 2, y: view.y[node] - h / 2, w, h }, room()));
}

// Brings a task into the view, whatever must be opened for it.
function reveal(id) {
  if (stage.view.at[id] < 0 && id < model.n) toggleGroup(id);
  if (stage.view.at[id] < 0) setView(id < model.n ? tasksView(model) : groupsView(model, stage.open));
  select(id);
  goTo(stage.view.at[id]);
}

// From a list: the reader goes on in the panel.
function choose(id) {
  reveal(id);
  byId("panel").focus();
}

// ---- selection
function select(id) {
  stage.selected = id;
  stage.flags = id < 0 ? null : coneOf(model, id);
  refreshDetails();
  redraw();
}

function refreshDetails() {
  const id = stage.selected;
  toggleList(false);
  byId("status").textContent = id < 0 ? "" : spoken(stage, id, neighbours(model, id));
  fillPanel(id < 0 ? null : detailsOf(stage, id, {
    sizes: coneSizes(model, id, stage.flags), near: neighbours(model, id), act: actions(id), choose,
  }), clear);
}

function actions(id) {
  if (!model.groups || stage.view.kind === "tasks") return [];
  if (id < model.n) return [["Collapse group", () => toggleGroup(id)]];
  return [[stage.open.has(id - model.n) ? "Collapse" : "Expand", () => toggleGroup(id)]];
}

function toggleList(isShown) {
  stage.listed = isShown;
  byId("list").setAttribute("aria-expanded", isShown);
  fillPanel(isShown ? listPanel(stage, choose) : null, clear);
  if (isShown) byId("panel").focus();
}

function clear() {
  byId("query").value = "";
  search();
  select(-1);
  canvas.focus();
}
