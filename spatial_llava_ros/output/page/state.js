// The run, what is looked at now, and arithmetic on 3-vectors and 3 x 3 matrices (rows).
const run = JSON.parse(document.getElementById("run").textContent);
const $ = (id) => document.getElementById(id);
const state = { step: 0, hover: [], pinned: [], arrows: "all", points: true };
const listeners = [];
const now = () => run.steps[state.step];
const thing = (id) => now().things.find((t) => t.id === id);
const hot = () => (state.hover.length ? state.hover : state.pinned);
const isHot = (id) => hot().includes(id);
const colour = (id) => run.colours[id] || "#888888";
const title = (t) => `${t.id} ${t.name}`;

function change(what) {
  const before = state.step;
  Object.assign(state, what);
  for (const listen of listeners) listen(state.step !== before);
}
function hover(ids) {
  if (ids.join() !== state.hover.join()) change({ hover: ids });
}
function pin(ids) {
  change({ pinned: ids.length && ids.join() === state.pinned.join() ? [] : ids });
}

const add = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const times = (a, s) => [a[0] * s, a[1] * s, a[2] * s];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const apply = (m, p) => [dot(m[0], p), dot(m[1], p), dot(m[2], p)];
const norm = (a) => Math.hypot(a[0], a[1], a[2]);

function fromQuaternion([x, y, z, w]) {
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
    [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
    [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
  ];
}
// Everything is shown with z up: `level` turns a step's frame so; corner k has the signs of its bits.
const shown = (step, p) => apply(step.level, p);
function corners(step, t) {
  if (!t.corners) {
    const r = fromQuaternion(t.q);
    t.corners = [0, 1, 2, 3, 4, 5, 6, 7].map((k) =>
      shown(step, add(t.p, apply(r, [0, 1, 2].map((i) => ((k >> i) & 1 ? 0.5 : -0.5) * t.s[i])))));
    t.middle = shown(step, t.p);
  }
  return t.corners;
}
const edges = [];
for (let a = 0; a < 8; a++) for (const bit of [1, 2, 4]) if (!(a & bit)) edges.push([a, a | bit]);

// Covariance as shown, from its upper triangle xx, xy, xz, yy, yz, zz.
function spread(step, [xx, xy, xz, yy, yz, zz]) {
  const c = [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]], l = step.level;
  const lc = l.map((row) => [0, 1, 2].map((j) => row[0] * c[0][j] + row[1] * c[1][j] + row[2] * c[2][j]));
  return lc.map((row) => l.map((other) => dot(row, other)));
}
// Half axes of the ellipse that holds 86 % of a 2D normal distribution (2 standard deviations), and its turn.
function ellipse(a, b, c) {
  const mean = (a + c) / 2, off = Math.hypot((a - c) / 2, b);
  return [2 * Math.sqrt(Math.max(mean + off, 0)), 2 * Math.sqrt(Math.max(mean - off, 0)), 0.5 * Math.atan2(2 * b, a - c)];
}
function hull(points) {
  const p = points.slice().sort((a, b) => a[0] - b[0] || a[1] - b[1]), out = [];
  for (const way of [p, p.slice().reverse()]) {
    const start = out.length;
    for (const q of way) {
      while (out.length >= start + 2) {
        const [a, b] = out.slice(-2);
        if ((b[0] - a[0]) * (q[1] - a[1]) - (b[1] - a[1]) * (q[0] - a[0]) > 0) break;
        out.pop();
      }
      out.push(q);
    }
    out.pop();
  }
  return out;
}
function inside(polygon, [x, y]) {
  let is = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [a, b] = polygon[i], [c, d] = polygon[j];
    if (b > y !== d > y && x < ((c - a) * (y - b)) / (d - b) + a) is = !is;
  }
  return is;
}
