// The time line: a slider, buttons and keys, and a strip that shows when each thing was in sight. Then everything starts.
let playing = null;
function goTo(step) {
  change({ step: Math.max(0, Math.min(run.steps.length - 1, step)) });
}
function play(on) {
  if (playing) clearInterval(playing);
  playing = on ? setInterval(() => (state.step + 1 < run.steps.length ? goTo(state.step + 1) : play(false)), 200) : null;
  $("play").textContent = playing ? "❚❚" : "▶";
  $("play").setAttribute("aria-label", playing ? "Pause" : "Play");
}
// Without poses an id is of its frame alone, and there is nothing to follow.
const presence = !run.posed ? [] : [...new Set(run.steps.flatMap((s) => s.things.filter((t) => t.state !== "tentative").map((t) => t.id)))];
function drawPresence() {
  $("presence").hidden = !presence.length;
  if (!presence.length) return;
  const rows = presence.slice(0, 40), tall = Math.max(2, Math.min(7, Math.floor(90 / Math.max(rows.length, 1)))), canvas = $("presence");
  canvas.dataset.own = "1";
  const { pen, width, height } = sharp(canvas, Math.max(rows.length * tall, 4)), wide = width / run.steps.length;
  rows.forEach((id, row) => {
    pen.fillStyle = colour(id);
    run.steps.forEach((step, k) => {
      const t = step.things.find((other) => other.id === id);
      if (!t) return;
      pen.globalAlpha = (t.outline.length ? 1 : 0.25) * (hot().length && !isHot(id) ? 0.3 : 1);
      pen.fillRect(k * wide, row * tall, wide + 0.3, tall - (tall > 3 ? 1 : 0));
    });
  });
  pen.globalAlpha = 1;
  pen.strokeStyle = theme.ink;
  pen.lineWidth = 1.5;
  pen.strokeRect(state.step * wide + 0.75, 0.75, Math.max(wide - 1.5, 1), height - 1.5);
}
$("presence").addEventListener("pointerdown", (event) => {
  const box = $("presence").getBoundingClientRect();
  goTo(Math.floor(((event.clientX - box.left) / box.width) * run.steps.length));
});
function drawTime() {
  const step = now();
  $("slider").value = state.step;
  $("now").textContent = `${state.step + 1}/${run.steps.length}` + (step.time === null ? "" : `, ${step.time.toFixed(2)} s`);
  $("slider").setAttribute("aria-valuetext", $("now").textContent);
  $("told").textContent = step.told.join(", ");
  drawPresence();
}
$("slider").max = run.steps.length - 1;
$("slider").addEventListener("input", () => goTo(Number($("slider").value)));
$("previous").addEventListener("click", () => goTo(state.step - 1));
$("next").addEventListener("click", () => goTo(state.step + 1));
$("play").addEventListener("click", () => {
  if (!playing && state.step === run.steps.length - 1) goTo(0);
  play(!playing);
});
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, button") || event.ctrlKey || event.altKey || event.metaKey) return;
  const actions = {
    ArrowLeft: () => goTo(state.step - 1), ArrowRight: () => goTo(state.step + 1), " ": () => $("play").click(),
    Home: () => goTo(0), End: () => goTo(run.steps.length - 1), Escape: () => change({ pinned: [], hover: [] }),
  };
  if (!actions[event.key]) return;
  actions[event.key]();
  event.preventDefault();
});
$("arrows").addEventListener("change", () => change({ arrows: $("arrows").value }));
$("points").addEventListener("change", () => change({ points: $("points").checked }));

let waiting = false, moved = true, pinnedBefore = "";
function draw() {
  waiting = false;
  if (moved || state.pinned.join() !== pinnedBefore) {
    if (moved) fillThings();
    fillRelations();
    pinnedBefore = state.pinned.join();
    if (moved && !run.posed) {
      fitMap();
      fitSpace("side");
    }
    moved = false;
  }
  drawPicture();
  drawMap();
  drawSpace();
  drawTime();
  markHot();
}
function soon() {
  if (!waiting) requestAnimationFrame(draw);
  waiting = true;
}
listeners.push((step) => {
  moved = moved || step;
  soon();
});
window.addEventListener("resize", () => {
  mapView.scale = 0;
  soon();
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readTheme(); soon(); });

document.documentElement.style.setProperty("--aspect", `${now().width} / ${now().height}`);
$("about").textContent = run.about;
$("time-box").classList.toggle("single", run.steps.length < 2);
if (Math.max(...run.steps.map((s) => s.relations.length)) > 12) $("arrows").value = state.arrows = "chosen";
if (run.posed) state.step = run.steps.length - 1;  // when most is known
readTheme();
fillQuestions();
fitMap();
fitSpace("side");
draw();
document.documentElement.dataset.ready = "yes";
