// Things, relations and questions in words. Text goes in as text, never as markup.
function cell(row, text, classes = "") {
  const td = row.insertCell();
  td.className = classes;
  td.append(text);
  return td;
}
function swatch(id) {
  const span = document.createElement("span");
  span.className = "swatch";
  span.style.background = colour(id);
  return span;
}
// A row or list item that lights up the things `ids` in every view.
function lights(element, ids) {
  element.tabIndex = 0;
  element.ids = ids;
  element.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && hover(ids));
  element.addEventListener("pointerleave", () => hover([]));
  element.addEventListener("focus", () => element.matches(":focus-visible") && hover(ids));
  element.addEventListener("blur", () => hover([]));
  element.addEventListener("click", () => pin(ids));
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      pin(ids);
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const other = event.key === "ArrowDown" ? element.nextElementSibling : element.previousElementSibling;
      if (other) other.focus();
      event.preventDefault();
      event.stopPropagation();
    }
  });
}
function fillThings() {
  const step = now(), body = $("things").tBodies[0];
  body.replaceChildren();
  $("things-count").textContent = `${step.things.length}, positions in ${step.frame_id}`;
  for (const t of step.things) {
    const row = body.insertRow();
    lights(row, [t.id]);
    row.classList.toggle("pale", !t.outline.length || t.state === "tentative");
    cell(row, swatch(t.id), "id").append(`${t.id}`);
    cell(row, t.name);
    cell(row, t.p ? t.p.map((v) => v.toFixed(2)).join(", ") : "no depth", "n");
    cell(row, t.p ? `${Math.round(1000 * Math.sqrt((t.c[0] + t.c[3] + t.c[5]) / 3))}` : "", "n");
    cell(row, t.p ? t.s.map((v) => v.toFixed(2)).join(" × ") : "", "n");
    cell(row, t.looks, "wide");
    cell(row, t.layer ? `${t.layer}` : "", "n wide");
    cell(row, `${t.seen}`, "n wide");
    cell(row, run.posed && !t.outline.length && t.state === "confirmed" ? "not in view" : t.state, "wide");
    cell(row, t.source, "wide");
  }
}
function relationText(r) {
  const name = (id) => {
    const t = thing(id);
    return t ? title(t) : `${id}`;
  };
  return `${name(r.subject)} ${r.predicate} ${name(r.object)}${r.second ? ` and ${name(r.second)}` : ""}`;
}
function fillRelations() {
  const body = $("relations").tBodies[0], all = now().relations, of = state.pinned;
  const chosen = of.length ? all.filter((r) => [r.subject, r.object, r.second].some((id) => of.includes(id))) : all;
  body.replaceChildren();
  $("relations-count").textContent = of.length ? `${chosen.length} of ${all.length}, those of what is chosen` : `${all.length}`;
  for (const r of chosen) {
    const row = body.insertRow();
    lights(row, [r.subject, r.object, r.second].filter(Boolean));
    cell(row, swatch(r.subject)).append(relationText(r));
    cell(row, r.value === null ? "" : `${r.value.toFixed(2).replace(/^-0\.00$/, "0.00")} ${r.unit}`, "n");
    cell(row, r.reference === "world" ? "–" : r.reference, "wide");
    cell(row, r.score.toFixed(2), "n");
    cell(row, r.source, "wide");
  }
}
function fillQuestions() {
  $("questions-box").hidden = !run.questions.length;
  for (const q of run.questions) {
    const item = document.createElement("li"), answer = document.createElement("p");
    item.append(q.question);
    answer.textContent = q.answer;
    item.append(answer);
    lights(item, q.objects);
    if (q.step !== null) item.addEventListener("click", () => change({ step: q.step }));
    $("questions").append(item);
  }
}
function markHot() {
  for (const element of document.querySelectorAll("tbody tr, #questions li"))
    element.classList.toggle("hot", hot().length > 0 && (element.parentElement.parentElement.id === "things"
      ? isHot(element.ids[0]) : element.ids.join() === hot().join()));
}
