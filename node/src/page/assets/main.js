// Puts it together: events redraw, keys and pointers choose.

let waiting = false;

function draw() {
  waiting = false;
  writeFacts();
  writeGauge();
  writeBlocks();
  writeSpread();
  writePeers();
  drawRibbon();
  drawMatrix();
  const chosen = model.heights.find((one) => one.height === model.chosen);
  if (chosen) say("chosen", describe(chosen));
  followSlow();
  document.body.dataset.drawn = String(model.heights.length);
}

// However much happens, once a frame is often enough.
function redraw() {
  if (!waiting) { waiting = true; requestAnimationFrame(draw); }
}

// Unless somebody has chosen a height, the way to the last slow one is shown.
function followSlow() {
  const slow = model.heights.findLast((one) => one.views_used > 1);
  if (model.chosen === null && slow && slow.height !== model.slow) {
    model.slow = slow.height;
    showTimeline(slow.height);
  }
}

function choose(height) {
  model.chosen = height;
  showTimeline(height);
  redraw();
}

function chooseAt(canvas, event) {
  const place = columns(canvas.clientWidth).at(event.clientX - canvas.getBoundingClientRect().left);
  const one = model.heights[place];
  if (one) choose(one.height);
}

function step(by) {
  if (model.heights.length === 0) return;
  const at = model.heights.findIndex((one) => one.height === model.chosen);
  const next = at < 0 ? model.heights.length - 1 : Math.max(0, Math.min(model.heights.length - 1, at + by));
  choose(model.heights[next].height);
}

for (const id of ["ribbon", "matrix"]) byId(id).addEventListener("click", (event) => chooseAt(byId(id), event));

byId("ribbon").addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -HEIGHTS_MAX, End: HEIGHTS_MAX }[event.key];
  if (by !== undefined) { event.preventDefault(); step(by); }
  if (event.key === "Enter" && model.chosen !== null) find(String(model.chosen));
  if (event.key === "Escape") { model.chosen = null; model.slow = null; say("chosen", "\u00a0"); redraw(); }
});

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("query").value.trim().toLowerCase();
  if (text) find(text);
});

function turn() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  redraw();
}

byId("theme").addEventListener("click", turn);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
  if (event.key === "/") { event.preventDefault(); byId("query").focus(); }
  if (event.key === "t") turn();
});

window.addEventListener("resize", redraw);
model.listeners.push(redraw);
setInterval(writeAge, 250);
setInterval(() => { refresh().catch(() => {}); }, 5_000);

function onLink(live) {
  const link = byId("link");
  say("link", live ? "live" : "reconnecting");
  link.classList.toggle("live", live);
}

refresh().catch((error) => { say("alarm", error.message); byId("alarm").hidden = false; });
listen(onLink);
