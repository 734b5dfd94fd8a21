// Tasks and edges -> what a task needs, and what needs it.

const NEEDED = 1, NEEDING = 2; // the selected one has both bits

// Edges by their ends: those that arrive at n are list[off[n]] to list[off[n + 1] - 1].
function edgesBy(ends, n) {
  const off = new Int32Array(n + 1);
  for (const end of ends) off[end + 1]++;
  for (let k = 0; k < n; k++) off[k + 1] += off[k];
  const next = off.slice(), list = new Int32Array(ends.length);
  ends.forEach((end, e) => (list[next[end]++] = e));
  return { off, list };
}

const linksOf = (picture) => ({
  arriving: edgesBy(picture.end, picture.n), leaving: edgesBy(picture.start, picture.n),
});

function others(links, ends, n) {
  const { off, list } = links;
  return Array.from(list.subarray(off[n], off[n + 1]), (e) => ends[e]);
}

function reach(flags, bit, seeds, links, ends) {
  const stack = Array.from(seeds);
  for (const seed of stack) flags[seed] |= bit;
  while (stack.length) {
    const task = stack.pop();
    for (let k = links.off[task]; k < links.off[task + 1]; k++) {
      const next = ends[links.list[k]];
      if (flags[next] & bit) continue;
      flags[next] |= bit;
      stack.push(next);
    }
  }
}

const tasksOf = (model, item) => (item < model.n ? [item] : model.members[item - model.n]);

// Bits per item. A group has those of its members.
function coneOf(model, item) {
  const flags = new Uint8Array(model.items.n), { links, tasks } = model;
  const seeds = tasksOf(model, item);
  reach(flags, NEEDED, seeds, links.arriving, tasks.start);
  reach(flags, NEEDING, seeds, links.leaving, tasks.end);
  if (model.groups) {
    for (let task = 0; task < model.n; task++) flags[model.n + model.groupOf[task]] |= flags[task];
  }
  return flags;
}

function coneSizes(model, item, flags) {
  const sizes = { needed: 0, needing: 0 }, own = tasksOf(model, item).length;
  for (let task = 0; task < model.n; task++) {
    if (flags[task] & NEEDED) sizes.needed++;
    if (flags[task] & NEEDING) sizes.needing++;
  }
  return { needed: sizes.needed - own, needing: sizes.needing - own };
}

// Direct dependencies and dependents: of a task tasks, of a group groups.
function neighbours(model, item) {
  const isTask = item < model.n, picture = isTask ? model.tasks : model.groups;
  const links = isTask ? model.links : model.groupLinks, before = isTask ? 0 : model.n;
  const listed = (by, ends) => others(by, ends, item - before).map((n) => n + before);
  return {
    dependencies: listed(links.arriving, picture.start),
    dependents: listed(links.leaving, picture.end),
  };
}

// Where an arrow key leads: along the flow to the nearest linked node, else to the nearest node
// on that side.
function nodeBeside(view, flow, node, dx, dy, linked) {
  const ahead = (k) => (view.x[k] - view.x[node]) * dx + (view.y[k] - view.y[node]) * dy;
  const aside = (k) => Math.abs((view.x[k] - view.x[node]) * dy) + Math.abs((view.y[k] - view.y[node]) * dx);
  const nearest = (nodes, cost) => {
    let best = -1, least = Infinity;
    for (const k of nodes) {
      const value = cost(k);
      if (k !== node && value < least) [best, least] = [k, value];
    }
    return best;
  };
  const along = Math.abs(dx * flow[0] + dy * flow[1]) > 0;
  const near = (k) => (ahead(k) > 1 ? ahead(k) / 4 + aside(k) : Infinity);
  const found = along ? nearest(linked, near) : -1;
  if (found >= 0) return found;
  const all = view.ids.keys();
  return nearest(all, (k) => (view.framed[k] || ahead(k) <= aside(k) ? Infinity : ahead(k) + 3 * aside(k)));
}
