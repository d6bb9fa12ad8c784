// The pictures: the ribbon of heights and the matrix of votes. Both share their columns.

const RIBBON_HEIGHT = 86, GUTTER = 40;

const byId = (id) => document.getElementById(id);

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim(); }

// A canvas as sharp as the screen.
function prepare(canvas, height) {
  const scale = window.devicePixelRatio || 1, width = canvas.clientWidth;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.height = `${height}px`;
  const g = canvas.getContext("2d");
  g.scale(scale, scale);
  g.clearRect(0, 0, width, height);
  g.font = "11px system-ui, sans-serif";
  g.textBaseline = "middle";
  return { g, width, height };
}

// The column of a height: the newest is at the right, also while there are few.
function columns(width) {
  const step = (width - GUTTER) / HEIGHTS_MAX, from = HEIGHTS_MAX - model.heights.length;
  return { step, x: (place) => GUTTER + (from + place) * step, at: (x) => Math.floor((x - GUTTER) / step) - from };
}

function viewsColour(views) { return colour(views <= 1 ? "good" : views === 2 ? "two" : "bad"); }

function drawRibbon() {
  const { g, width, height } = prepare(byId("ribbon"), RIBBON_HEIGHT);
  const { step, x } = columns(width), base = height - 16, room = base - 6;
  const paces = model.heights.map((_, place) => pace(place)).filter((one) => one !== null).sort((a, b) => a - b);
  // The slowest few would make all others flat.
  const top = Math.max(50, (paces[Math.floor(paces.length * 0.95)] ?? 0) * 1.3);
  g.fillStyle = colour("faint");
  g.fillText(top >= 1000 ? `${(top / 1000).toFixed(1)} s` : `${Math.round(top)} ms`, 0, 8);
  g.fillText("0", 0, base);
  model.heights.forEach((one, place) => {
    const rise = Math.min(1, (pace(place) ?? top / 4) / top);
    g.fillStyle = viewsColour(one.views_used);
    g.globalAlpha = pace(place) === null ? 0.5 : 1;
    g.fillRect(x(place), base - Math.max(3, rise * room), Math.max(1, step - 1), Math.max(3, rise * room));
    g.globalAlpha = 1;
    if (one.transactions > 0) { g.fillStyle = colour("text"); g.fillRect(x(place) + step / 2 - 1, base + 2, 2, 2); }
    if (one.height % 20 === 0) { g.fillStyle = colour("faint"); g.textAlign = "center"; g.fillText(String(one.height), x(place) + step / 2, base + 10); g.textAlign = "left"; }
    if (one.height === model.chosen) { g.strokeStyle = colour("text"); g.strokeRect(Math.round(x(place)) - 0.5, 1.5, Math.max(3, step), base); }
  });
}

function drawMatrix() {
  const members = model.validators?.validators ?? [];
  const row = Math.max(6, Math.min(18, 260 / Math.max(1, members.length)));
  const { g, width } = prepare(byId("matrix"), Math.max(20, row * members.length));
  const { step, x } = columns(width);
  const paint = { voted: colour("voted"), proposed: colour("leader"), missing: colour("missing"), faint: colour("faint"), bad: colour("bad"), text: colour("text") };
  members.forEach((member, line) => {
    if (row >= 11 || line % 4 === 0) { g.fillStyle = member.online ? paint.faint : paint.bad; g.fillText(`#${member.index}`, 0, row * (line + 0.5)); }
    model.heights.forEach((one, place) => {
      const voted = one.voters.includes(member.index);
      g.fillStyle = !voted ? paint.missing : one.leader === member.index ? paint.proposed : paint.voted;
      g.fillRect(x(place), row * line + 0.5, Math.max(1, step - 1), row - 1);
    });
  });
  const chosen = model.heights.findIndex((one) => one.height === model.chosen);
  if (chosen >= 0) { g.strokeStyle = paint.text; g.strokeRect(Math.round(x(chosen)) - 0.5, 0.5, Math.max(3, step), row * members.length - 1); }
}
