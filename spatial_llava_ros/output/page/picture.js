// The picture of the step, outlines of the things in it, and the boxes of what is known but was not seen as a region.
const images = new Map();
function imageOf(step) {
  if (!images.has(step)) {
    const image = new Image();
    image.onload = () => {
      for (const listen of listeners) listen(false);
    };
    image.src = step.image;
    images.set(step, image);
    if (images.size > 12) images.delete(images.keys().next().value);
  }
  return images.get(step);
}
let pictureScale = 1;
function drawPicture() {
  const step = now(), canvas = $("picture"), image = imageOf(step);
  canvas.dataset.own = "1";
  const { pen, width, height } = sharp(canvas, ((canvas.clientWidth || 300) * step.height) / step.width);
  pictureScale = width / step.width;
  if (image.complete && image.naturalWidth) pen.drawImage(image, 0, 0, width, height);
  const k = pictureScale, wanted = [];
  const order = step.things.slice().sort((a, b) => isHot(a.id) - isHot(b.id));
  for (const t of order) {
    const strong = isHot(t.id), faint = hot().length && !strong;
    pen.strokeStyle = pen.fillStyle = colour(t.id);
    pen.globalAlpha = faint ? 0.35 : 1;
    pen.lineWidth = strong ? 3.5 : 2;
    pen.setLineDash(t.state === "tentative" ? [4, 4] : []);
    if (!t.outline.length) continue;
    for (const outline of t.outline) {
      path(pen, outline.map(([x, y]) => [x * k, y * k]), true);
      pen.globalAlpha *= strong ? 0.3 : 0.12;
      pen.fill();
      pen.globalAlpha = faint ? 0.35 : 1;
      pen.stroke();
    }
    const area = (t.box[2] - t.box[0]) * (t.box[3] - t.box[1]);
    wanted.push({ x: ((t.box[0] + t.box[2]) / 2) * k, y: Math.max(t.box[1] * k, 2), text: title(t), short: `${t.id}`, color: colour(t.id), strong, area });
  }
  pen.setLineDash([]);
  pen.globalAlpha = 1;
  const small = step.things.filter((t) => t.outline.length && (t.box[2] - t.box[0]) * k < 0.12 * width);
  const taken = small.map((t) => t.box.map((v, i) => k * (v + (i < 2 ? 0.15 : -0.15) * (t.box[(i % 2) + 2] - t.box[i % 2]))));
  labels(pen, width, height, wanted.sort((a, b) => a.area - b.area), taken);  // what is small is not to be covered
}
pointable($("picture"), (x, y) => {
  const at = [x / pictureScale, y / pictureScale];
  const under = now().things.filter((t) => t.outline.some((o) => inside(o, at)));
  under.sort((a, b) => (a.box[2] - a.box[0]) * (a.box[3] - a.box[1]) - (b.box[2] - b.box[0]) * (b.box[3] - b.box[1]));
  return under[0] && under[0].id;
});
