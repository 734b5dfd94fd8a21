// The page's data -> items (tasks, then groups) with their texts, and two pictures of places and
// routes: of all tasks, and of the groups they fold into.

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

// A column is an array, or the entry that all are.
const spread = (column, n) => (Array.isArray(column) ? column : new Array(n).fill(column));
const numbers = (column, n) =>
  Array.isArray(column) ? Int32Array.from(column) : new Int32Array(n).fill(column);

function summed(steps) {
  const sums = Int32Array.from(steps);
  for (let n = 1; n < sums.length; n++) sums[n] += sums[n - 1];
  return sums;
}

const scaled = (column, unit) => Float32Array.from(column, (value) => value * unit);

// A picture as wide as a hundred screens would be a line when seen whole: rows go further apart.
function stretchOf([width, height], flow) {
  const shape = flow[0] ? height / width : width / height;
  return Math.max(1, Math.min(4, shape / 6));
}

function readPicture({ n, unit, size, boxes, edges }, flow) {
  const stretch = stretchOf(size, flow), [kx, ky] = flow[0] ? [stretch, 1] : [1, stretch];
  const picture = { n, width: size[0] * kx, height: size[1] * ky, m: edges.m };
  picture.x = scaled(summed(boxes.x), unit * kx);
  picture.y = scaled(summed(boxes.y), unit * ky);
  for (const side of ["w", "h"]) picture[side] = scaled(numbers(boxes[side], n), unit);
  picture.end = summed(edges.end);
  picture.start = numbers(edges.start, edges.m).map((back, e) => picture.end[e] - back);
  picture.labels = spread(edges.label, edges.m);
  picture.backs = spread(edges.back, edges.m);
  picture.labelAt = numbers(edges.at, edges.m); // the curve with the label; -1 for the middle one
  picture.counts = numbers(edges.count, edges.m);
  return Object.assign(picture, readRoutes(picture, edges, unit, [unit * kx, unit * ky], flow));
}

// Control points of all edges in one array; those of edge e are points off[e] to off[e + 1] - 1.
function readRoutes(picture, edges, unit, units, flow) {
  const { m, start, end, x, y } = picture, curves = numbers(edges.curves, m);
  const off = new Int32Array(m + 1);
  for (let e = 0; e < m; e++) off[e + 1] = off[e] + 1 + 3 * curves[e];
  const points = new Float32Array(2 * off[m]), nCurves = (off[m] - m) / 3;
  const columns = (names, n) => names.split(" ").map((name) => numbers(edges[name], n));
  const [sx, sy, ex, ey] = columns("sx sy ex ey", m), [kx, ky] = columns("kx ky", nCurves - m);
  for (let e = 0, joint = 0; e < m; e++) {
    let p = 2 * off[e];
    points[p] = x[start[e]] + sx[e] * unit;
    points[p + 1] = y[start[e]] + sy[e] * unit;
    for (let left = curves[e]; --left; joint++, p += 6) {
      points[p + 6] = points[p] + kx[joint] * units[0];
      points[p + 7] = points[p + 1] + ky[joint] * units[1];
    }
    points[p + 6] = x[end[e]] + ex[e] * unit;
    points[p + 7] = y[end[e]] + ey[e] * unit;
  }
  if ("ax" in edges) shape(points, off, columns("ax ay bx by", nCurves));
  else smooth(points, off, flow[0] ? 0 : 1);
  return { off, points };
}

// Inner control points as the layout has them: parts of the way between the joints.
function shape(points, off, ratios) {
  for (let e = 0, curve = 0; e + 1 < off.length; e++) {
    for (let p = 2 * off[e]; p < 2 * off[e + 1] - 2; p += 6, curve++) {
      for (let n = 0; n < 4; n++) {
        const from = points[p + (n & 1)], way = points[p + 6 + (n & 1)] - from;
        points[p + 2 + n] = from + (way * ratios[n][curve]) / 100;
      }
    }
  }
}

// Curves that rise all the way (monotone, by harmonic means of slopes, after Fritsch & Butland
// 1984), and leave and arrive along the data.
function smooth(points, off, along) {
  const across = 1 - along;
  for (let e = 0; e + 1 < off.length; e++) {
    let slope = 0;
    for (let p = 2 * off[e], last = 2 * off[e + 1] - 8; p <= last; p += 6) {
      const next = p < last ? bendSlope(points, p, along) : 0, half = (points[p + 6 + along] - points[p + along]) / 2;
      points[p + 2 + along] = points[p + 4 + along] = points[p + along] + half;
      points[p + 2 + across] = points[p + across] + slope * half;
      points[p + 4 + across] = points[p + 6 + across] - next * half;
      slope = next;
    }
  }
}

// At the joint between the curve at p and the next.
function bendSlope(points, p, along) {
  const rise = (at) => (points[at + 7 - along] - points[at + 1 - along]) / (points[at + 6 + along] - points[at + along] || 1);
  const before = rise(p), after = rise(p + 6);
  return before * after > 0 ? (2 * before * after) / (before + after) : 0;
}

const TEXTS = ["label", "detail", "back", "head", "tail", "tip"];
const NUMBERS = ["colour", "shape", "marks", "named", "tipped"];

// Tasks come first, so that a task's index is its item; group g is item nTasks + g.
function readItems(parts) {
  const items = { n: parts.reduce((sum, part) => sum + part.n, 0), rows: new Map() };
  const columns = (name) => parts.flatMap((part) => spread(part.boxes[name], part.n));
  for (const name of TEXTS) items[name] = columns(name);
  for (const name of NUMBERS) items[name] = Int32Array.from(columns(name));
  const number = parts.flatMap((part) => Array.from(summed(part.boxes.number)));
  items.name = number.map((own, n) => items.head[n] + (own < 0 ? "" : own) + items.tail[n]);
  for (const [text, begins] of [["name", "named"], ["tip", "tipped"]]) {
    items[text] = items[text].map((rest, n) => (items[begins][n] ? items.label[n] + rest : rest));
  }
  let before = 0;
  for (const part of parts) {
    for (const n in part.boxes.rows) items.rows.set(before + +n, part.boxes.rows[n]);
    before += part.n;
  }
  return items;
}

function readModel(data) {
  const parts = data.groups ? [data.tasks, data.groups] : [data.tasks];
  const members = data.groups ? data.groups.members.map(summed) : [];
  const groupOf = new Int32Array(data.tasks.n).fill(-1);
  members.forEach((tasks, g) => tasks.forEach((task) => (groupOf[task] = g)));
  const flow = { BT: [0, -1], TB: [0, 1], LR: [1, 0], RL: [-1, 0] }[data.rankdir];
  return {
    ...data, members, groupOf, flow,
    n: data.tasks.n,
    items: readItems(parts),
    shapes: Object.fromEntries(data.shapes.map((name, n) => [name, n])),
    marks: Object.fromEntries(data.marks.map((name, n) => [name, 1 << n])),
    tasks: readPicture(data.tasks, flow),
    groups: data.groups && readPicture(data.groups, flow),
  };
}
