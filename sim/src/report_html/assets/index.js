// The heat map of a sweep: a row per scenario, cells of as many seeds as fit.

const VERDICTS = [[0, "held", "--held"], [20, "safety broken", "--code20"], [23, "core panicked", "--code23"],
  [22, "not deterministic", "--code22"], [21, "no progress", "--code21"], [30, "simulator failed", "--code30"],
  [25, "expectation not met", "--code25"], [24, "no verdict", "--code24"]];
const GRAVITY = [0, 24, 25, 30, 21, 22, 23, 20];
const NAMES = 230, ROW = 15, TOP = 20;

const { rows } = JSON.parse(document.getElementById("data").textContent);
const canvas = document.querySelector("canvas.heat");
const seeds = rows.flatMap((row) => row.runs.flatMap(([first, count]) => [first, first + count]));
const low = Math.min(...seeds), high = Math.max(...seeds);
let cells = [], size = 1, per = 1, kept = false;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const style = (code) => (VERDICTS.find((one) => one[0] === code) || VERDICTS[7]);

// How many runs of each verdict each cell holds.
function countCells(columns) {
  cells = rows.map((row) => {
    const line = Array.from({ length: columns }, () => null);
    for (const [first, count, code] of row.runs) {
      for (let seed = first; seed < first + count;) {
        const column = Math.floor((seed - low) / per);
        const until = Math.min(first + count, low + (column + 1) * per);
        const cell = line[column] ??= { total: 0, codes: new Map(), seeds: new Map() };
        cell.total += until - seed;
        cell.codes.set(code, (cell.codes.get(code) || 0) + until - seed);
        if (!cell.seeds.has(code)) cell.seeds.set(code, seed);
        seed = until;
      }
    }
    return line;
  });
}

const worst = (cell) => [...cell.codes.keys()].sort((a, b) => GRAVITY.indexOf(b) - GRAVITY.indexOf(a))[0];

function draw() {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth;
  const height = TOP + rows.length * ROW + 4, plot = Math.max(60, width - NAMES - 8);
  canvas.style.height = `${height}px`;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const g = canvas.getContext("2d");
  g.scale(ratio, ratio);
  const span = Math.max(1, high - low);
  per = Math.max(1, Math.ceil(span / (plot / 4)));
  const columns = Math.ceil(span / per);
  size = Math.min(26, plot / columns);
  countCells(columns);
  g.font = "11px system-ui, sans-serif";
  g.textBaseline = "middle";
  g.fillStyle = colour("--faint");
  g.textAlign = "left";
  for (let column = 0, free = 0; column < columns; column++) {
    const x = NAMES + column * size, label = String(low + column * per);
    if (x < free) continue;
    g.fillText(label, x, 9);
    free = x + Math.max(60, g.measureText(label).width + 20);
  }
  rows.forEach((row, at) => {
    const y = TOP + at * ROW;
    const failed = row.runs.some((run) => run[2] !== 0);
    g.textAlign = "right";
    g.fillStyle = colour(failed ? "--bad" : "--text");
    g.font = `${failed ? "600 " : ""}11px system-ui, sans-serif`;
    g.fillText(row.name, NAMES - 8, y + ROW / 2, NAMES - 12);
    cells[at].forEach((cell, column) => {
      if (!cell) return;
      const code = worst(cell);
      g.fillStyle = colour("--held");
      g.fillRect(NAMES + column * size, y + 1, Math.max(1, size - (size > 3 ? 1 : 0)), ROW - 2);
      if (code === 0) return;
      g.fillStyle = colour(style(code)[2]);
      g.globalAlpha = 0.55 + 0.45 * Math.sqrt(1 - (cell.codes.get(0) || 0) / cell.total);
      g.fillRect(NAMES + column * size, y + 1, Math.max(2, size - (size > 3 ? 1 : 0)), ROW - 2);
      g.globalAlpha = 1;
    });
  });
}

const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
document.body.append(tip);

function point(event) {
  const box = canvas.getBoundingClientRect();
  const at = Math.floor((event.clientY - box.top - TOP) / ROW);
  const column = Math.floor((event.clientX - box.left - NAMES) / size);
  const cell = cells[at] && cells[at][column];
  tip.hidden = !cell;
  if (!cell) return;
  const first = low + column * per, last = Math.min(high, first + per) - 1;
  const lines = [[`${rows[at].name}, ${first === last ? `seed ${first}` : `seeds ${first} to ${last}`}`, "strong"]];
  for (const [code, count] of cell.codes) lines.push([`${style(code)[1]}: ${count.toLocaleString("en")}`, ""]);
  const code = worst(cell), seed = cell.seeds.get(code);
  lines.push([`cargo sim run ${rows[at].file} --seed ${seed}`, "faint"]);
  tip.replaceChildren(...lines.map(([text, name]) => {
    const p = document.createElement("p");
    p.className = name;
    p.textContent = text;
    return p;
  }));
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.min(event.clientX + 14, document.documentElement.clientWidth - width - 12)}px`;
  tip.style.top = `${event.clientY + 18 + height < window.innerHeight ? event.clientY + 18 : event.clientY - height - 12}px`;
}

canvas.addEventListener("pointermove", (event) => { if (!kept) point(event); });
canvas.addEventListener("pointerleave", () => { if (!kept) tip.hidden = true; });
canvas.addEventListener("click", (event) => {
  kept = false;
  point(event);
  kept = !tip.hidden;
  tip.classList.toggle("pinned", kept);
});
document.querySelectorAll("button.copy").forEach((copy) => copy.addEventListener("click", async () => {
  await navigator.clipboard.writeText(copy.parentElement.querySelector("code").textContent);
  copy.textContent = "copied";
}));
const legend = document.getElementById("legend");
const used = new Set(rows.flatMap((row) => row.runs.map((run) => run[2])));
for (const [code, name, variable] of VERDICTS.filter((one) => used.has(one[0]))) {
  const item = document.createElement("span"), swatch = document.createElement("i");
  swatch.style.background = `var(${variable})`;
  item.append(swatch, name);
  item.dataset.code = code;
  legend.append(item);
}
window.addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
draw();
Object.assign(document.body.dataset, { ready: "yes", rows: rows.length, cells: cells.flat().filter(Boolean).length });
