// What all pictures of a page share: the stretch shown, the filters, the colours, the rows.

// Colours that people with any kind of colour vision can tell apart (after Okabe and Ito), and a dash
// for those that are close in lightness.
const INKS = [
  { name: "proposal", colour: "--proposal", dash: [], width: 2.2 },
  { name: "notarize", colour: "--notarize", dash: [], width: 1 },
  { name: "finalize", colour: "--finalize", dash: [], width: 1 },
  { name: "nullify", colour: "--nullify", dash: [6, 2], width: 1.6 },
  { name: "certificates", colour: "--certificates", dash: [2, 2], width: 1.2 },
  { name: "votes sent again", colour: "--votes", dash: [4, 2], width: 1 },
  { name: "block fetching", colour: "--fetching", dash: [8, 3], width: 1.4 },
  { name: "evidence", colour: "--evidence", dash: [], width: 2 },
  { name: "gossip", colour: "--gossip", dash: [1, 3], width: 1 },
];

// More lines than this are drawn as density.
const LINES_MAX = 5000;

const GUTTER = 92, MARGIN = 14;

class Scene {
  constructor(runs) {
    this.runs = runs;
    this.end = Math.max(...runs.map((run) => run.end), 1);
    this.from = 0;
    this.to = this.end;
    this.groups = INKS.map((ink, group) => group !== 8);
    this.lanes = new Set();
    this.lostOnly = false;
    this.listeners = [];
  }

  onChange(listener) { this.listeners.push(listener); }
  changed() { for (const listener of this.listeners) listener(); }

  show(from, to) {
    const least = 200;
    let width = Math.min(Math.max(to - from, least), this.end);
    const middle = (from + to) / 2;
    this.from = Math.max(0, Math.min(middle - width / 2, this.end - width));
    this.to = this.from + width;
    this.changed();
  }
  zoom(factor, about = (this.from + this.to) / 2) {
    this.show(about - (about - this.from) * factor, about + (this.to - about) * factor);
  }
  move(share) {
    const by = (this.to - this.from) * share;
    this.show(this.from + by, this.to + by);
  }
  // To the next or the previous standstill of any run.
  jump(direction) {
    const middle = (this.from + this.to) / 2, width = this.to - this.from;
    const troubles = this.runs.flatMap((run) => run.troubles)
      .map((trouble) => ({ trouble, middle: (trouble.from + trouble.end) / 2 }))
      .sort((a, b) => a.middle - b.middle);
    const whole = width > this.end * 0.98;
    const found = direction > 0
      ? troubles.find((one) => whole || one.middle > middle + width * 0.01)
      : troubles.reverse().find((one) => whole || one.middle < middle - width * 0.01);
    if (found) this.focus(found.trouble.from, found.trouble.end);
  }
  focus(from, to) {
    const margin = Math.min(Math.max((to - from) * 0.25, 150000), 2e6);
    this.show(from - margin, to + margin);
  }

  shows(run, i) {
    if (!this.groups[run.group[i]]) return false;
    if (this.lostOnly && run.fate[i] < 2) return false;
    return this.lanes.size === 0 || this.lanes.has(run.from[i]) || this.lanes.has(run.to[i]);
  }
}

let palette = {};
function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  palette = { inks: INKS.map((ink) => read(ink.colour)) };
  for (const name of ["text", "faint", "line", "paper", "lane", "bad", "badsoft", "fault", "faultsoft",
    "good", "leader", "down", "notarized", "purple"]) {
    palette[name] = read(`--${name}`);
  }
}

// A canvas as sharp as the screen, and its size in CSS pixels.
function prepare(canvas, height) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.style.height = `${height}px`;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  g.textBaseline = "middle";
  return { g, width, height };
}

const FONT = "12px system-ui, sans-serif", SMALL = "11px system-ui, sans-serif";
const STRONG = "600 12px system-ui, sans-serif";

// Shortens a text until it fits; nothing if not even three letters do.
function fitted(g, text, width) {
  if (g.measureText(text).width <= width) return text;
  let low = 0, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (g.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle; else high = middle - 1;
  }
  return low < 3 ? "" : `${text.slice(0, low)}…`;
}

// Breaks a text into at most so many lines that fit.
function wrapped(g, text, width, most) {
  const lines = [];
  let line = "";
  // A number stays with its unit.
  for (const word of text.replace(/(\d) (ms|s)\b/g, "$1\u00a0$2").split(" ")) {
    const longer = line ? `${line} ${word}` : word;
    if (g.measureText(longer).width <= width || !line) { line = longer; continue; }
    lines.push(line);
    line = word;
  }
  lines.push(line);
  if (lines.length > most) {
    lines.length = most;
    lines[most - 1] = fitted(g, `${lines[most - 1]} …`, width) || lines[most - 1];
  }
  return lines.map((one) => fitted(g, one, width) || one);
}

// Slanted lines: the sign for "not as it should be", whatever the colour.
function hatch(g, x, y, w, h, colour, gap = 7) {
  if (w <= 0) return;
  g.save();
  g.beginPath();
  g.rect(x, y, w, h);
  g.clip();
  g.strokeStyle = colour;
  g.lineWidth = 1;
  g.beginPath();
  const start = Math.floor((x - h) / gap) * gap;
  for (let at = start; at < x + w; at += gap) { g.moveTo(at, y + h); g.lineTo(at + h, y); }
  g.stroke();
  g.restore();
}

function cross(g, x, y, size) {
  g.beginPath();
  g.moveTo(x - size, y - size); g.lineTo(x + size, y + size);
  g.moveTo(x + size, y - size); g.lineTo(x - size, y + size);
  g.stroke();
}

// Times for the axis: round numbers, about so many pixels apart.
function ticks(from, to, width) {
  const rough = (to - from) / Math.max(2, width / 110);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const digits = Math.max(0, Math.min(6, 6 - Math.floor(Math.log10(step) + 1e-9)));
  const out = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) out.push([at, seconds(at, digits)]);
  return out;
}
