// The view in space: coloured points of the depth image, oriented boxes, uncertainty, relations, the camera's way.
const eye = { target: [0, 0, 0], yaw: 0, pitch: 0.5, away: 2 };
let projected = [], cloudOf = null, cloud = null;

function axes() {
  const cp = Math.cos(eye.pitch), sp = Math.sin(eye.pitch), cy = Math.cos(eye.yaw), sy = Math.sin(eye.yaw);
  const f = [cp * cy, cp * sy, -sp], r = [sy, -cy, 0];
  return { f, r, u: cross(r, f), at: minus(eye.target, times(f, eye.away)) };
}
function fitSpace(way) {
  const step = now(), whole = run.posed ? run.steps[run.steps.length - 1] : step;
  const at = placed(whole).flatMap((t) => corners(whole, t));
  if (!at.length) at.push(add(step.pose.at, times(step.pose.turn.map((row) => row[2]), 1.5)));
  const low = [0, 1, 2].map((i) => Math.min(...at.map((p) => p[i]))), high = [0, 1, 2].map((i) => Math.max(...at.map((p) => p[i])));
  const ahead = step.pose.turn.map((row) => row[2]), size = Math.max(norm(minus(high, low)), 0.4);
  eye.target = times(add(low, high), 0.5);
  eye.yaw = Math.atan2(ahead[1], ahead[0]);
  if (way === "camera") {
    eye.pitch = Math.asin(Math.max(-1, Math.min(1, -ahead[2])));
    eye.away = Math.max(dot(minus(eye.target, step.pose.at), ahead), 0.1);
    eye.target = add(step.pose.at, times(ahead, eye.away));
    eye.wide = step.width / step.k[0] / 2;
    return;
  }
  eye.wide = 0.6;
  eye.pitch = way === "above" ? Math.PI / 2 : 0.6;
  eye.away = size * (way === "above" ? 1 : 0.95);
}
// Points (x, y, z as shown, r, g, b) from the step's small depth image and its picture.
function cloudAt(step) {
  if (cloudOf === step) return cloud;
  const image = imageOf(step);
  if (!image.complete || !image.naturalWidth) return null;
  const { columns, rows } = step.depth, bytes = Uint8Array.from(atob(step.depth.data), (c) => c.charCodeAt(0));
  const depth = new Uint16Array(bytes.buffer), small = document.createElement("canvas");
  small.width = columns;
  small.height = rows;
  const pen = small.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, 0, 0, columns, rows);
  const rgb = pen.getImageData(0, 0, columns, rows).data, [fx, fy, cx, cy] = step.k, points = [];
  for (let row = 0, i = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, i++) {
      if (!depth[i]) continue;
      const z = depth[i] / 1000, u = ((column + 0.5) * step.width) / columns - 0.5, v = ((row + 0.5) * step.height) / rows - 0.5;
      const p = add(step.pose.at, apply(step.pose.turn, [((u - cx) / fx) * z, ((v - cy) / fy) * z, z]));
      points.push([p, rgb[4 * i], rgb[4 * i + 1], rgb[4 * i + 2], z / Math.min(fx * columns / step.width, fy * rows / step.height)]);
    }
  cloudOf = step;
  return (cloud = points);
}
function drawSpace() {
  const canvas = $("space"), step = now(), { pen, width, height, ratio } = sharp(canvas);
  const { f, r, u, at } = axes(), focal = Math.min(width, height * 1.33) / 2 / (eye.wide || 0.6), near = 0.03;
  const seen = (p) => {
    const d = minus(p, at);
    return [dot(d, r), dot(d, u), dot(d, f)];
  };
  const flat = (c) => [width / 2 + (focal * c[0]) / c[2], height / 2 - (focal * c[1]) / c[2]];
  const place = (p) => {
    const c = seen(p);
    return c[2] > near ? flat(c) : null;
  };
  const line = (p, q) => {
    let a = seen(p), b = seen(q);
    if (a[2] < near && b[2] < near) return;
    if (a[2] < near || b[2] < near) {
      const s = (near - a[2]) / (b[2] - a[2]), cut = add(a, times(minus(b, a), s));
      if (a[2] < near) a = cut; else b = cut;
    }
    const [x, y] = flat(a), [z, w] = flat(b);
    pen.moveTo(x, y);
    pen.lineTo(z, w);
  };
  const strokes = (pairs, color, wide, alpha = 1) => {
    pen.strokeStyle = color;
    pen.lineWidth = wide;
    pen.globalAlpha = alpha;
    pen.beginPath();
    for (const [p, q] of pairs) line(p, q);
    pen.stroke();
    pen.globalAlpha = 1;
  };
  const points = state.points && cloudAt(step);
  if (points) drawCloud(pen, canvas, points, seen, focal * ratio, ratio);
  const things = placed(step), floor = Math.min(...things.map((t) => Math.min(...corners(step, t).map((p) => p[2]))), Infinity);
  if (isFinite(floor)) strokes(ground(floor), theme.dim, 1, points ? 0.3 : 0.5);
  projected = [];
  const wanted = [], far = (t) => seen(t.middle)[2];
  for (const t of things.sort((a, b) => far(b) - far(a))) {
    const box = corners(step, t), strong = isHot(t.id), flatBox = box.map(place).filter(Boolean), c = colour(t.id);
    const alpha = strong ? 1 : hot().length ? 0.4 : t.outline.length ? 0.95 : 0.5;
    if (flatBox.length > 2) {
      const outline = hull(flatBox);
      projected.push({ id: t.id, outline, depth: far(t) });
      pen.globalAlpha = strong ? 0.3 : 0.08;
      pen.fillStyle = c;
      path(pen, outline, true);
      pen.fill();
    }
    pen.setLineDash(t.state === "tentative" ? [4, 4] : []);
    strokes(edges.map(([a, b]) => [box[a], box[b]]), c, strong ? 3 : 1.6, alpha);
    pen.setLineDash([]);
    strokes(rings(step, t), theme.ink, 1, strong ? 1 : 0.7);
    const top = place(add(t.middle, [0, 0, Math.max(...box.map((p) => p[2])) - t.middle[2]]));
    if (top) wanted.unshift({ x: top[0], y: top[1], text: title(t), short: `${t.id}`, color: c, strong });
  }
  if (run.posed) strokes(run.steps.slice(1).map((s, k) => [run.steps[k].pose.at, s.pose.at]), theme.accent, 1.5, 0.8);
  const [fx, fy, cx, cy] = step.k, eyeAt = step.pose.at, reach = Math.min(0.15, 0.1 * eye.away);
  const rim = [[0, 0], [step.width, 0], [step.width, step.height], [0, step.height]].map(([x, y]) =>
    add(eyeAt, apply(step.pose.turn, [((x - cx) / fx) * reach, ((y - cy) / fy) * reach, reach])));
  strokes(rim.flatMap((p, k) => [[eyeAt, p], [p, rim[(k + 1) % 4]]]), theme.accent, 1.5);
  arrows(pen, (id) => {
    const t = thing(id);
    return t && t.p && place(t.middle);
  }, wanted);
  labels(pen, width, height, wanted);
}
// Points as small squares into the canvas' own pixels, the nearer over the farther.
function drawCloud(pen, canvas, points, seen, focal, ratio) {
  const { width, height } = canvas, picture = pen.createImageData(width, height), out = new Uint32Array(picture.data.buffer);
  const depths = new Float32Array(width * height).fill(Infinity);
  for (const [p, red, green, blue, size] of points) {
    const [x, y, z] = seen(p);
    if (z < 0.03) continue;
    const side = Math.max(1, Math.min(Math.ceil((focal * size) / z), 14 * ratio)), half = side >> 1;
    const left = Math.round(width / 2 + (focal * x) / z) - half, top = Math.round(height / 2 - (focal * y) / z) - half;
    if (left + side < 0 || top + side < 0 || left >= width || top >= height) continue;
    const rgba = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    for (let b = Math.max(top, 0); b < Math.min(top + side, height); b++)
      for (let a = Math.max(left, 0), k = b * width + a; a < Math.min(left + side, width); a++, k++)
        if (z < depths[k]) {
          depths[k] = z;
          out[k] = rgba;
        }
  }
  pen.putImageData(picture, 0, 0);
}
function ground(floor) {
  const gap = [0.05, 0.1, 0.25, 0.5, 1, 2, 5].find((g) => g * 8 >= eye.away) || 10, lines = [];
  const x = Math.round(eye.target[0] / gap) * gap, y = Math.round(eye.target[1] / gap) * gap, far = 6 * gap;
  for (let k = -6; k <= 6; k++) {
    lines.push([[x + k * gap, y - far, floor], [x + k * gap, y + far, floor]]);
    lines.push([[x - far, y + k * gap, floor], [x + far, y + k * gap, floor]]);
  }
  return lines;
}
// Rings of the ellipsoid at 2 standard deviations, in the three planes of the axes as shown.
function rings(step, t) {
  const c = spread(step, t.c), out = [];
  for (const [i, j] of [[0, 1], [0, 2], [1, 2]]) {
    const [major, minor, turn] = ellipse(c[i][i], c[i][j], c[j][j]);
    let last = null;
    for (let k = 0; k <= 24; k++) {
      const a = (k * Math.PI) / 12, x = major * Math.cos(a), y = minor * Math.sin(a), p = t.middle.slice();
      p[i] += x * Math.cos(turn) - y * Math.sin(turn);
      p[j] += x * Math.sin(turn) + y * Math.cos(turn);
      if (last) out.push([last, p]);
      last = p;
    }
  }
  return out;
}
pointable($("space"), (x, y) => {
  const under = projected.filter((p) => inside(p.outline, [x, y])).sort((a, b) => a.depth - b.depth);
  return under[0] && under[0].id;
});
const fingers = new Map();
$("space").addEventListener("pointerdown", (event) => {
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  $("space").setPointerCapture(event.pointerId);
});
for (const end of ["pointerup", "pointercancel"]) $("space").addEventListener(end, (event) => fingers.delete(event.pointerId));
$("space").addEventListener("pointermove", (event) => {
  const old = fingers.get(event.pointerId);
  if (!old) return;
  const dx = event.clientX - old[0], dy = event.clientY - old[1], others = [...fingers].filter(([id]) => id !== event.pointerId);
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  if (others.length) {  // two fingers: their distance zooms, their way moves
    const [x, y] = others[0][1];
    eye.away *= Math.hypot(old[0] - x, old[1] - y) / Math.max(Math.hypot(event.clientX - x, event.clientY - y), 1);
    shift(dx / 2, dy / 2);
  } else if (event.shiftKey || event.buttons === 4 || event.buttons === 2) shift(dx, dy);
  else turn(-dx * 0.008, dy * 0.008);
  drawSpace();
});
function turn(yaw, pitch) {
  eye.yaw += yaw;
  eye.pitch = Math.max(-1.5, Math.min(Math.PI / 2, eye.pitch + pitch));
}
function shift(dx, dy) {
  const { r, u } = axes(), metres = (2 * eye.away * (eye.wide || 0.6)) / $("space").clientWidth;
  eye.target = add(eye.target, add(times(r, -dx * metres), times(u, dy * metres)));
}
$("space").addEventListener("contextmenu", (event) => event.preventDefault());
$("space").addEventListener("wheel", (event) => {
  event.preventDefault();
  eye.away = Math.max(0.05, Math.min(200, eye.away * Math.exp(event.deltaY * 0.0015)));
  drawSpace();
}, { passive: false });
$("space").addEventListener("keydown", (event) => {
  const turns = { ArrowLeft: [0.12, 0], ArrowRight: [-0.12, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
  if (turns) turn(...turns);
  else if (event.key === "+" || event.key === "=") eye.away *= 0.85;
  else if (event.key === "-") eye.away /= 0.85;
  else return;
  event.preventDefault();
  event.stopPropagation();
  drawSpace();
});
for (const way of ["camera", "above", "side"]) $(`from-${way}`).addEventListener("click", () => { fitSpace(way); drawSpace(); });
