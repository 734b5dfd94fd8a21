// Cameras: px on the screen = s * px of the picture + (x, y). Each function gives a new one.

const LEAST_SCALE = 1e-4, MOST_SCALE = 8;

// Shows an area in the part of the screen that bars and panels leave free.
function fitted(area, room, most = 1.25) {
  const s = Math.max(LEAST_SCALE, Math.min(room.w / area.w, room.h / area.h, most));
  return centred(s, area.x + area.w / 2, area.y + area.h / 2, room);
}

function zoomed(camera, factor, px, py) {
  const s = Math.max(LEAST_SCALE, Math.min(MOST_SCALE, camera.s * factor));
  return { s, x: px - ((px - camera.x) * s) / camera.s, y: py - ((py - camera.y) * s) / camera.s };
}

const panned = (camera, dx, dy) => ({ s: camera.s, x: camera.x + dx, y: camera.y + dy });

const centred = (s, x, y, room) => ({
  s, x: room.x + room.w / 2 - s * x, y: room.y + room.h / 2 - s * y,
});

// Between two cameras some point of the picture stays where it is: x and y are linear in s.
function between(from, to, part) {
  const s = from.s * (to.s / from.s) ** part;
  const way = Math.abs(to.s - from.s) > 1e-6 * from.s ? (s - from.s) / (to.s - from.s) : part;
  return { s, x: from.x + way * (to.x - from.x), y: from.y + way * (to.y - from.y) };
}
