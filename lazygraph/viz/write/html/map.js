// The small map in the corner: all of a view, and what part of it is on the screen.

const mapScale = () => Math.min(map.width / stage.view.width, map.height / stage.view.height);

function drawMap() {
  const { view, palette, look, items } = stage, s = mapScale(), picture = new OffscreenCanvas(map.width, map.height);
  const g = picture.getContext("2d");
  g.translate((map.width - s * view.width) / 2, (map.height - s * view.height) / 2);
  g.scale(s, s);
  for (const [row, nodes] of grouped(view.ids.keys(), (k) => items.colour[view.ids[k]])) {
    g.fillStyle = palette[row][look.from + 1];
    paintDots(g, view, s, nodes);
  }
  return picture;
}

function paintMap() {
  const { view, camera, size, look } = stage;
  const least = fitted(whole(), room()).s;
  map.hidden = camera.s < 1.4 * least || view.n < 40;
  if (map.hidden) return;
  if (!stage.mapped) Object.assign(map, { width: 320, height: 220 });
  stage.mapped = stage.mapped || drawMap();
  const g = map.getContext("2d"), s = mapScale();
  g.clearRect(0, 0, map.width, map.height);
  g.drawImage(stage.mapped, 0, 0);
  g.strokeStyle = look.accent;
  g.lineWidth = 3;
  const left = (map.width - s * view.width) / 2, top = (map.height - s * view.height) / 2;
  g.strokeRect(left - (s * camera.x) / camera.s, top - (s * camera.y) / camera.s,
    (s * size.w) / camera.s, (s * size.h) / camera.s);
}

function jump(event) {
  if (!event.buttons) return;
  const { view, camera, size } = stage, s = mapScale(), k = map.width / map.clientWidth;
  const x = (k * event.offsetX - (map.width - s * view.width) / 2) / s;
  const y = (k * event.offsetY - (map.height - s * view.height) / 2) / s;
  look(centred(camera.s, x, y, { x: 0, y: 0, ...size }), false);
}
