// What the three views share: sharp canvases, theme colours, labels that keep clear of each other, arrows, pointers.
let theme = {};
function readTheme() {
  const style = getComputedStyle(document.documentElement);
  theme = {};
  for (const name of ["ground", "panel", "ink", "dim", "line", "plate", "support", "viewer", "world", "accent"])
    theme[name] = style.getPropertyValue(`--${name}`).trim();
}
function sharp(canvas, height) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2), width = canvas.clientWidth || 300;
  height = Math.round(height || canvas.clientHeight || 200);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    if (canvas.style.height !== `${height}px` && canvas.dataset.own) canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height, ratio };
}
function path(pen, points, closed) {
  pen.beginPath();
  points.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  if (closed) pen.closePath();
}
// Labels: {x, y, text, short, color, strong}, wanted at (x, y) as lower middle. The strong come first; one that finds
// no free place is written short, and left out when even that does not fit.
function labels(pen, width, height, wanted, taken = []) {
  const free = (b) => b[0] >= 0 && b[1] >= 0 && b[2] <= width && b[3] <= height &&
    taken.every((t) => b[2] <= t[0] || t[2] <= b[0] || b[3] <= t[1] || t[3] <= b[1]);
  pen.textBaseline = "middle";
  wanted.slice().sort((a, b) => (b.strong ? 1 : 0) - (a.strong ? 1 : 0)).forEach((label) => {
    pen.font = `${label.strong ? "600 13px" : "12px"} system-ui, sans-serif`;
    for (const text of label.short ? [label.text, label.short] : [label.text]) {
      const w = pen.measureText(text).width + 10, h = 19;
      const spot = spots(label.x, label.y, w, h, label.strong ? 9 : 4).find(free);
      if (!spot) continue;
      taken.push(spot);
      const nearest = [Math.min(Math.max(label.x, spot[0]), spot[2]), Math.min(Math.max(label.y, spot[1]), spot[3])];
      if (Math.hypot(nearest[0] - label.x, nearest[1] - label.y) > 8) {
        pen.strokeStyle = label.color;
        pen.lineWidth = 1;
        path(pen, [nearest, [label.x, label.y]]);
        pen.stroke();
      }
      pen.fillStyle = theme.plate;
      pen.strokeStyle = label.color;
      pen.lineWidth = label.strong ? 2.5 : 1.5;
      pen.beginPath();
      pen.roundRect(spot[0] + 1, spot[1] + 1, w - 2, h - 2, 4);
      pen.fill();
      pen.stroke();
      pen.fillStyle = theme.ink;
      pen.fillText(text, spot[0] + 5, spot[1] + h / 2 + 0.5);
      break;
    }
  });
  return taken;
}
function spots(x, y, w, h, rings) {
  const out = [];
  for (let ring = 0; ring < rings; ring++)
    for (const [dx, dy] of [[0, -1], [0, 1], [1, -0.5], [-1, -0.5], [0.7, -1], [-0.7, -1], [0.7, 1], [-0.7, 1]]) {
      const cx = x + dx * (w / 2 + 6 + ring * 18), cy = y + dy * (h / 2 + 4 + ring * 18);
      out.push([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]);
    }
  return out;
}
// One arrow per pair, from subject to object; those of what is hot are strong and say their predicates.
function arrows(pen, place, wanted) {
  const pairs = new Map();
  for (const r of now().relations) {
    const strong = isHot(r.subject) || isHot(r.object);
    if (state.arrows === "none" || (!strong && (state.arrows === "chosen" || hot().length))) continue;
    const key = [r.subject, r.object].sort((a, b) => a - b).join();
    const order = ["support", "viewer", "world"];
    const old = pairs.get(key);
    if (!old) pairs.set(key, { r, strong, said: [r] });
    else {
      old.said.push(r);
      if (order.indexOf(r.kind) < order.indexOf(old.r.kind)) old.r = r;
    }
  }
  for (const { r, strong, said } of pairs.values()) {
    const a = place(r.subject), b = place(r.object);
    if (!a || !b) continue;
    const away = Math.hypot(b[0] - a[0], b[1] - a[1]);
    if (away < 8) continue;
    const u = [(b[0] - a[0]) / away, (b[1] - a[1]) / away], tip = [b[0] - u[0] * 4, b[1] - u[1] * 4];
    pen.globalAlpha = strong ? 1 : 0.55;
    pen.strokeStyle = pen.fillStyle = theme[r.kind];
    pen.lineWidth = strong ? 2.2 : 1.3;
    path(pen, [a, tip]);
    pen.stroke();
    path(pen, [tip, [tip[0] - 9 * u[0] - 4 * u[1], tip[1] - 9 * u[1] + 4 * u[0]], [tip[0] - 9 * u[0] + 4 * u[1], tip[1] - 9 * u[1] - 4 * u[0]]], true);
    pen.fill();
    pen.globalAlpha = 1;
    if (strong) {
      const text = said.map((s) => (s.subject === r.subject ? "" : "← ") + s.predicate + (s.second ? ` this and ${s.second}` : "")).join(", ");
      wanted.push({ x: a[0] + 0.5 * (b[0] - a[0]), y: a[1] + 0.5 * (b[1] - a[1]), text, color: theme[r.kind] });
    }
  }
}
// Hover and click by what `hit(x, y)` finds there: the id of a thing, or undefined.
function pointable(canvas, hit) {
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return hit(event.clientX - box.left, event.clientY - box.top);
  };
  let down = null;
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons) return;
    const id = at(event);
    hover(id === undefined ? [] : [id]);
  });
  canvas.addEventListener("pointerleave", () => hover([]));
  canvas.addEventListener("pointerdown", (event) => (down = [event.clientX, event.clientY]));
  canvas.addEventListener("click", (event) => {
    if (down && Math.hypot(event.clientX - down[0], event.clientY - down[1]) > 5) return;
    const id = at(event);
    pin(id === undefined ? [] : [id]);
  });
}
