// Puts the page together: pictures, tools, keys.

function button(text, act, title) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = text;
  if (title) element.title = title;
  element.addEventListener("click", act);
  return element;
}

function toggles(row, items, isOn, flip) {
  const elements = items.map(({ label, count, colour, value, title, dash }) => {
    const element = button("", () => { flip(value); refresh(); }, title);
    element.className = "chip";
    if (colour) {
      const swatch = document.createElement("i");
      swatch.style.background = colour();
      if (dash) swatch.className = "dashed";
      element.append(swatch);
      element.recolour = () => { swatch.style.background = colour(); };
    }
    element.append(label);
    if (count !== undefined) {
      const small = document.createElement("small");
      small.textContent = grouped(count);
      element.append(" ", small);
    }
    element.value = value;
    row.append(element);
    return element;
  });
  const refresh = () => {
    for (const element of elements) {
      element.setAttribute("aria-pressed", String(isOn(element.value)));
      if (element.recolour) element.recolour();
    }
  };
  refresh();
  return refresh;
}

function addTools(scene) {
  const moves = document.getElementById("moves");
  const stretch = document.createElement("output");
  moves.append(
    button("whole run", () => scene.show(0, scene.end), "0"),
    button("−", () => scene.zoom(1.6), "zoom out: −"),
    button("+", () => scene.zoom(1 / 1.6), "zoom in: +"),
    button("◀", () => scene.move(-0.3), "earlier: ←"),
    button("▶", () => scene.move(0.3), "later: →"),
    button("previous standstill", () => scene.jump(-1), "p"),
    button("next standstill", () => scene.jump(1), "n"),
    stretch,
    button("light / dark", () => {
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark"
        : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      readPalette();
      refreshers.forEach((refresh) => refresh());
      scene.changed();
    }),
  );
  scene.onChange(() => {
    stretch.textContent = `${seconds(scene.from)} to ${seconds(scene.to)} (${lasting(scene.to - scene.from)})`;
  });

  const counts = INKS.map(() => 0);
  let lost = 0;
  for (const run of scene.runs) {
    if (run.bins) {
      // Not all messages are here one by one, but all are counted.
      for (const lane of run.binned) {
        lane.forEach((row, at) => {
          const n = row.reduce((a, b) => a + b, 0);
          if (at < INKS.length) counts[at] += n; else lost += n;
        });
      }
      continue;
    }
    for (let i = 0; i < run.crossings; i++) {
      counts[run.group[i]]++;
      if (run.fate[i] > 1) lost++;
    }
  }
  const kinds = document.getElementById("kinds");
  const items = INKS.map((ink, value) => ({
    label: ink.name, count: counts[value], value, colour: () => palette.inks[value], dash: ink.dash.length > 0,
  })).filter((item) => item.count > 0);
  const refreshers = [
    toggles(kinds, items, (group) => scene.groups[group], (group) => {
      scene.groups[group] = !scene.groups[group];
      scene.changed();
    }),
    toggles(kinds, [{ label: "✕ lost only", count: lost, value: "lost" }], () => scene.lostOnly, () => {
      scene.lostOnly = !scene.lostOnly;
      scene.changed();
    }),
  ];
  const nodes = scene.runs.reduce((a, b) => (a.nodes.length >= b.nodes.length ? a : b)).nodes;
  const lanes = nodes.map((node, value) => ({ label: node.name, value, title: "only messages from or to it" }));
  refreshers.push(toggles(document.getElementById("nodes"), lanes, (lane) => scene.lanes.has(Number(lane)), (lane) => {
    if (!scene.lanes.delete(lane)) scene.lanes.add(lane);
    scene.changed();
  }));
  addLegend();
}

// Every sign of the picture, drawn as it is drawn there.
function addLegend() {
  const legend = document.getElementById("legend");
  const signs = [
    ["message from one validator to another", (g) => {
      g.strokeStyle = palette.inks[1]; g.beginPath(); g.moveTo(3, 3); g.lineTo(25, 13); g.stroke(); arrow(g, 3, 3, 25, 13);
    }],
    ["message that was lost", (g) => {
      g.strokeStyle = palette.inks[1]; g.beginPath(); g.moveTo(3, 3); g.lineTo(19, 10); g.stroke();
      g.strokeStyle = palette.text; g.lineWidth = 1.5; cross(g, 20, 10, 3.5);
    }],
    ["many messages: how many were sent, below how many lost", (g) => {
      [5, 8, 6, 9, 7].forEach((h, i) => { g.fillStyle = palette.inks[i % 2 + 1]; g.fillRect(5 + i * 4, 11 - h, 3, h); });
      g.fillStyle = palette.bad; g.fillRect(13, 12, 3, 3);
    }],
    ["its turn to lead", (g) => { g.fillStyle = palette.leader; g.globalAlpha = 0.6; g.fillRect(2, 5, 24, 6); }],
    ["its turn, given up", (g) => { g.fillStyle = palette.bad; g.fillRect(2, 3, 24, 10); }],
    ["block final", (g) => { g.fillStyle = palette.good; flag(g, 9, 15, 0.95); }],
    ["no block became final", (g) => { g.fillStyle = palette.badsoft; g.fillRect(2, 1, 24, 14); hatch(g, 2, 1, 24, 14, palette.bad, 6); }],
    ["fault acts here", (g) => { g.fillStyle = palette.faultsoft; g.fillRect(2, 1, 24, 14); hatch(g, 2, 1, 24, 14, palette.faultsoft, 6); g.fillStyle = palette.fault; g.fillRect(2, 1, 2, 14); }],
    ["down", (g) => { hatch(g, 2, 1, 24, 14, palette.faint, 6); }],
    ["crash", (g) => { g.strokeStyle = palette.bad; g.lineWidth = 2.5; cross(g, 14, 8, 5); }],
    ["restart", (g) => { g.fillStyle = palette.good; triangle(g, 14, 8, 6); }],
    ["evidence of a lie", (g) => { g.fillStyle = palette.purple; diamond(g, 14, 8, 6); }],
  ];
  const canvases = [];
  for (const [words, draw] of signs) {
    const item = document.createElement("span");
    item.className = "sign";
    const canvas = document.createElement("canvas");
    item.append(canvas, words);
    legend.append(item);
    canvases.push([canvas, draw]);
  }
  addLegend.draw = () => {
    for (const [canvas, draw] of canvases) {
      const { g } = prepare(canvas, 16);
      g.save(); draw(g); g.restore();
    }
  };
}

function watch(picture, hover, scene) {
  const { canvas } = picture;
  let drag = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    if (drag) {
      const by = (drag.x - x) / picture.plot * (drag.to - drag.from);
      drag.moved ||= Math.abs(drag.x - x) > 3;
      if (drag.moved) scene.show(drag.from + by, drag.to + by);
      return;
    }
    if (hover.pinned) return;
    scene.cursor = x > GUTTER ? picture.time(x) : null;
    hover.show(hover.at(x, y), event.clientX, event.clientY);
    scene.soon();
  });
  canvas.addEventListener("pointerdown", (event) => {
    const [x] = place(event);
    drag = { x, from: scene.from, to: scene.to, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", (event) => {
    const clicked = drag && !drag.moved;
    drag = null;
    if (!clicked) return;
    const [x, y] = place(event);
    hover.pinned = false;
    const lines = hover.at(x, y);
    hover.show(lines, event.clientX, event.clientY);
    hover.pinned = Boolean(lines);
    hover.tip.classList.toggle("pinned", hover.pinned);
    scene.soon();
  });
  canvas.addEventListener("pointerleave", () => {
    if (hover.pinned) return;
    hover.hide();
    scene.cursor = null;
    picture.chain = new Set();
    scene.soon();
  });
  canvas.addEventListener("dblclick", (event) => scene.zoom(0.4, picture.time(place(event)[0])));
  canvas.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.shiftKey || event.metaKey) {
      event.preventDefault();
      scene.zoom(Math.exp((event.deltaY || event.deltaX) * 0.0025), picture.time(place(event)[0]));
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      scene.move(event.deltaX / picture.plot);
    }
  }, { passive: false });
}

function listenToKeys(scene, hovers) {
  const acts = {
    "+": () => scene.zoom(1 / 1.6), "=": () => scene.zoom(1 / 1.6), "-": () => scene.zoom(1.6),
    "0": () => scene.show(0, scene.end), ArrowLeft: () => scene.move(-0.2), ArrowRight: () => scene.move(0.2),
    n: () => scene.jump(1), p: () => scene.jump(-1),
    Escape: () => hovers.forEach((hover) => {
      hover.pinned = false;
      hover.tip.classList.remove("pinned");
      hover.hide();
    }),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !acts[event.key]) return;
    if (/^(input|textarea|select)$/i.test(event.target.tagName)) return;
    event.preventDefault();
    acts[event.key]();
  });
}

async function begin() {
  const sections = [...document.querySelectorAll("section.picture")];
  const runs = await Promise.all(sections.map((section) =>
    unpack(section.querySelector(".packed").textContent)));
  readPalette();
  const scene = new Scene(runs);
  addTools(scene);
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const pictures = [], hovers = [], overviews = [];
  sections.forEach((section, at) => {
    const picture = new Picture(section.querySelector("canvas.main"), runs[at], scene);
    const hover = new Hover(picture, tip);
    pictures.push(picture);
    hovers.push(hover);
    overviews.push(new Overview(section.querySelector("canvas.overview"), runs[at], scene));
    watch(picture, hover, scene);
  });
  const draw = () => {
    pictures.forEach((picture, at) => {
      picture.cursor = scene.cursor ?? null;
      picture.draw();
      const { run } = picture;
      const left = run.crossings < run.total ? ` The file keeps ${grouped(run.crossings)} of ${grouped(run.total)} one by one, the rest counted.` : "";
      sections[at].querySelector(".count").textContent = picture.lines
        ? `${grouped(picture.lines.length)} messages drawn, each as a line.${left}`
        : `Too many messages for lines: bars count those sent by each validator. Zoom in for lines.${left}`;
      sections[at].dataset.mode = picture.lines ? "lines" : "density";
    });
    overviews.forEach((overview) => overview.draw());
    addLegend.draw();
  };
  let waiting = false;
  scene.soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  };
  scene.onChange(() => scene.soon());
  window.addEventListener("resize", () => scene.soon());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readPalette(); scene.soon(); });
  listenToKeys(scene, hovers);
  document.querySelectorAll("button.jump").forEach((jump) => jump.addEventListener("click", () => {
    scene.show(Number(jump.dataset.from), Number(jump.dataset.to));
    sections[0].scrollIntoView({ block: "nearest", behavior: "smooth" });
  }));
  document.querySelectorAll("button.copy").forEach((copy) => copy.addEventListener("click", async () => {
    const text = copy.parentElement.querySelector("code").textContent;
    await navigator.clipboard.writeText(text);
    copy.textContent = "copied";
  }));
  // A link such as report.html#3.2-4.5 shows that stretch, in seconds.
  const asked = /^#([\d.]+)-([\d.]+)$/.exec(location.hash);
  scene.show(...(asked ? [asked[1] * 1e6, asked[2] * 1e6] : opening(scene)));
  draw();
  const sum = (key) => runs.reduce((total, run) => total + run[key].length, 0);
  Object.assign(document.body.dataset, {
    ready: "yes", runs: runs.length, lanes: sum("nodes"), views: sum("views"), heights: sum("heights"),
    faults: sum("faults"), standstills: sum("troubles"), callouts: pictures.reduce((n, one) => n + one.callouts.placed.length, 0),
    mode: pictures[0].lines ? "lines" : "density",
    ink: pictures.map((one) => inked(one.canvas)).join(" "),
  });
}

// What is shown at first: everything, or, if all that went wrong lies close together, that stretch.
function opening(scene) {
  const troubles = scene.runs.flatMap((run) => run.troubles.concat(run.faults.map((fault) =>
    ({ from: fault.from, end: fault.from }))));
  const from = Math.min(...troubles.map((trouble) => trouble.from));
  const to = Math.max(...troubles.map((trouble) => trouble.end));
  const width = to - from, ours = scene.runs.some((run) => run.troubles.length);
  if (!ours || width > scene.end * 0.55) return [0, scene.end];
  return [Math.max(0, from - width * 0.25), Math.min(scene.end, to + width * 0.25)];
}

// How many pixels of a sample are drawn on: a picture that stayed empty has none.
function inked(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 3; i < data.length; i += 4 * 97) if (data[i] > 0) count++;
  return count;
}

begin().catch((error) => {
  document.body.dataset.ready = "failed";
  const p = document.createElement("p");
  p.className = "detail bad";
  p.textContent = `The picture cannot be drawn: ${error.message}. It needs a browser of 2023 or later.`;
  document.querySelector(".tools").prepend(p);
  console.error(error);
});
