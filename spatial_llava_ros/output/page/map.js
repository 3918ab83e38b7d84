// From above: footprints, uncertainty of the places (2 standard deviations), the way of the camera. x is up, y is left.
const mapView = { x: 0, y: 0, scale: 100, wide: 0 };
let mapped = [];
const onMap = (p) => [mapView.width / 2 - (p[1] - mapView.y) * mapView.scale, mapView.height / 2 - (p[0] - mapView.x) * mapView.scale];
const placed = (step) => step.things.filter((t) => t.p);

function fitMap() {
  const steps = run.posed ? run.steps : [now()], at = [];
  for (const step of steps) {
    for (const t of placed(step)) at.push(...corners(step, t));
    if (run.posed) at.push(step.pose.at);
  }
  if (!run.posed) {
    // Things that are all far away are shown without the empty floor before them.
    const near = Math.min(...at.map((p) => p[0])), far = Math.max(...at.map((p) => p[0]));
    if (!(near > 0.4 * far)) at.push([0, 0, 0]);
  }
  if (!at.length) at.push([0, -0.5, 0], [1, 0.5, 0]);
  const low = [0, 1].map((i) => Math.min(...at.map((p) => p[i]))), high = [0, 1].map((i) => Math.max(...at.map((p) => p[i])));
  mapView.x = (low[0] + high[0]) / 2;
  mapView.y = (low[1] + high[1]) / 2;
  mapView.wide = Math.max(high[0] - low[0], high[1] - low[1], 0.3);
  mapView.scale = 0;
}
function drawMap() {
  const canvas = $("map"), step = now(), { pen, width, height } = sharp(canvas);
  Object.assign(mapView, { width, height });
  if (!mapView.scale) mapView.scale = (Math.min(width, height) - 70) / mapView.wide;
  const gap = [0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10].find((g) => g * mapView.scale >= 42) || 20;
  pen.strokeStyle = theme.line;
  pen.lineWidth = 1;
  const reach = [height, width].map((side) => side / 2 / mapView.scale);
  for (const [axis, centre] of [[0, mapView.x], [1, mapView.y]])
    for (let v = Math.ceil((centre - reach[axis]) / gap) * gap; v < centre + reach[axis]; v += gap) {
      const [x, y] = onMap(axis ? [mapView.x, v] : [v, mapView.y]);
      path(pen, axis ? [[x, 0], [x, height]] : [[0, y], [width, y]]);
      pen.stroke();
    }
  mapped = placed(step).map((t) => ({ t, outline: hull(corners(step, t).map(onMap)) }));
  mapped.sort((a, b) => b.t.s[0] * b.t.s[1] - a.t.s[0] * a.t.s[1]);
  const wanted = [];
  for (const { t, outline } of mapped) {
    const strong = isHot(t.id);
    pen.strokeStyle = pen.fillStyle = colour(t.id);
    pen.globalAlpha = strong ? 0.5 : t.outline.length ? 0.25 : 0.1;
    path(pen, outline, true);
    pen.fill();
    pen.globalAlpha = strong || t.outline.length ? 1 : 0.5;
    pen.lineWidth = strong ? 3 : 1.6;
    pen.setLineDash(t.state === "tentative" ? [4, 4] : []);
    pen.stroke();
    pen.setLineDash([]);
    pen.globalAlpha = 1;
    const top = outline.reduce((a, b) => (b[1] < a[1] ? b : a), outline[0]);
    if (top) wanted.push({ x: top[0], y: top[1], text: title(t), short: `${t.id}`, color: colour(t.id), strong });
  }
  for (const { t } of mapped) {
    const c = spread(step, t.c), [x, y] = onMap(t.middle);
    const [major, minor, turn] = ellipse(c[0][0], c[0][1], c[1][1]);  // angle from x (up) towards y (left)
    pen.strokeStyle = theme.ink;
    pen.lineWidth = 1.2;
    pen.beginPath();
    pen.ellipse(x, y, Math.min(major * mapView.scale, 4000), Math.min(minor * mapView.scale, 4000), -Math.PI / 2 - turn, 0, 7);
    pen.stroke();
  }
  if (run.posed) {
    pen.strokeStyle = theme.dim;
    pen.lineWidth = 1.5;
    path(pen, run.steps.map((s) => onMap(s.pose.at)));
    pen.stroke();
  }
  const eye = onMap(step.pose.at), tips = [0, step.width].map((u) => {
    const ray = apply(step.pose.turn, [(u - step.k[2]) / step.k[0], 0, 1]);
    return onMap(add(step.pose.at, times(ray, 26 / mapView.scale / Math.max(Math.hypot(ray[0], ray[1]), 0.2))));
  });
  pen.strokeStyle = pen.fillStyle = theme.ink;
  pen.lineWidth = 1.6;
  path(pen, [tips[0], eye, tips[1]]);
  pen.stroke();
  pen.beginPath();
  pen.arc(eye[0], eye[1], 4, 0, 7);
  pen.fill();
  const middle = (id) => {
    const t = thing(id);
    return t && t.p && onMap(t.middle);
  };
  arrows(pen, middle, wanted);
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  const scale = `grid ${gap} m`;
  pen.fillStyle = theme.dim;
  pen.fillText(scale, 6, height - 9);
  const taken = [[0, height - 20, pen.measureText(scale).width + 10, height]];
  taken.push([eye[0] - 7, eye[1] - 7, eye[0] + 7, eye[1] + 7]);
  for (const { outline } of mapped) {  // a label must not hide the small thing that it names
    const x = outline.map((p) => p[0]), y = outline.map((p) => p[1]);
    const box = [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)];
    if ((box[2] - box[0]) * (box[3] - box[1]) < 2500) taken.push(box);
  }
  labels(pen, width, height, wanted, taken);
}
pointable($("map"), (x, y) => {
  const under = mapped.filter(({ outline }) => inside(outline, [x, y]));
  return under.length ? under[under.length - 1].t.id : undefined;
});
// Nearer to the chosen thing, if there is one.
function zoomMap(factor) {
  const t = state.pinned.length ? thing(state.pinned[0]) : null;
  if (t && t.p) [mapView.x, mapView.y] = t.middle;
  mapView.scale = Math.min(Math.max(mapView.scale * factor, 1), 50000);
  drawMap();
}
$("map").addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.shiftKey) return;  // a plain wheel scrolls the page
  event.preventDefault();
  zoomMap(Math.exp(-(event.deltaY || event.deltaX) * 0.002));
}, { passive: false });
$("map-near").addEventListener("click", () => zoomMap(1.5));
$("map-far").addEventListener("click", () => zoomMap(1 / 1.5));
$("map-fit").addEventListener("click", () => { fitMap(); drawMap(); });
