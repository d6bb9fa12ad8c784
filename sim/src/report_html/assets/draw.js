// The picture of one run: callouts, faults, views, lanes with messages, final blocks, checks, time.

class Picture {
  constructor(canvas, run, scene) {
    Object.assign(this, { canvas, run, scene });
    this.chain = new Set();
    this.cursor = null;
    this.faultRows = packRows(run.faults, 6);
    this.laneHeight = Math.max(17, Math.min(58, Math.round((run.nodes.length > 12 ? 600 : 470) / run.nodes.length)));
  }

  x(time) {
    return GUTTER + (time - this.scene.from) / (this.scene.to - this.scene.from) * this.plot;
  }
  time(x) {
    return this.scene.from + (x - GUTTER) / this.plot * (this.scene.to - this.scene.from);
  }
  y(lane) { return this.rows.lanes + this.laneHeight * (lane + 0.5); }
  laneAt(y) {
    const lane = Math.floor((y - this.rows.lanes) / this.laneHeight);
    return lane >= 0 && lane < this.run.nodes.length ? lane : -1;
  }

  layOut() {
    this.plot = Math.max(100, this.canvas.clientWidth - GUTTER - MARGIN);
    this.callouts = this.placeCallouts();
    const callouts = this.callouts.rows * 50 + (this.callouts.hidden ? 14 : 0);
    const faults = callouts + 4;
    const views = faults + this.faultRows.count * 17 + (this.faultRows.count ? 5 : 0);
    const lanes = views + 24;
    const finals = lanes + this.run.nodes.length * this.laneHeight + 6;
    const checks = finals + 26;
    const axis = checks + 24;
    this.rows = { callouts: 0, faults, views, lanes, finals, checks, axis, bottom: axis + 24 };
  }

  draw() {
    this.layOut();
    const { g, width, height } = prepare(this.canvas, this.rows.bottom);
    Object.assign(this, { g, width, height });
    g.save();
    g.beginPath();
    g.rect(GUTTER, 0, this.plot, height);
    g.clip();
    this.drawAxis();
    this.drawTroubles();
    this.drawBands();
    this.drawLanes();
    this.drawStems();
    this.drawFaults();
    this.drawViews();
    this.drawMessages();
    this.drawFinals();
    this.drawTurns();
    this.drawStates();
    this.drawNotes();
    this.drawChecks();
    this.drawCursor();
    this.drawCallouts();
    g.restore();
    this.drawGutter();
  }

  visible(from, to) { return to >= this.scene.from && from <= this.scene.to; }

  drawAxis() {
    const { g, rows } = this;
    g.font = SMALL;
    g.textAlign = "center";
    for (const [at, label] of ticks(this.scene.from, this.scene.to, this.plot)) {
      const x = Math.round(this.x(at)) + 0.5;
      g.strokeStyle = palette.line;
      g.beginPath(); g.moveTo(x, rows.views); g.lineTo(x, rows.axis); g.stroke();
      g.fillStyle = palette.faint;
      g.fillText(label, Math.max(GUTTER + 24, Math.min(x, this.width - MARGIN - 24)), rows.axis + 11);
    }
    const gst = this.run.head.gst;
    if (gst !== null && this.visible(gst, gst)) {
      const x = Math.round(this.x(gst)) + 0.5;
      g.strokeStyle = palette.good;
      g.setLineDash([4, 4]);
      g.beginPath(); g.moveTo(x, rows.views); g.lineTo(x, rows.axis); g.stroke();
      g.setLineDash([]);
    }
  }

  drawTroubles() {
    const { g, rows } = this;
    for (const trouble of this.run.troubles) {
      if (!this.visible(trouble.from, trouble.end)) continue;
      const x = this.x(trouble.from), w = Math.max(2, this.x(trouble.end) - x);
      g.fillStyle = palette.badsoft;
      g.fillRect(x, rows.views, w, rows.axis - rows.views);
    }
  }

  // Faults behind the lanes they hit.
  drawBands() {
    const { g, run } = this;
    for (const fault of this.run.faults) {
      if (!this.visible(fault.from, fault.to)) continue;
      const x = this.x(fault.from), w = Math.max(2, this.x(fault.to) - x);
      if (!fault.lanes.length) {
        // On links between all: behind everything.
        const h = this.laneHeight * run.nodes.length;
        g.globalAlpha = 0.3;
        g.fillStyle = palette.faultsoft;
        g.fillRect(x, this.rows.lanes, w, h);
        hatch(g, x, this.rows.lanes, w, h, palette.faultsoft, 14);
        g.globalAlpha = 1;
        g.fillStyle = palette.fault;
        g.fillRect(x, this.rows.lanes, Math.min(1.5, w), h);
      }
      for (const lane of fault.lanes) {
        const y = this.y(lane) - this.laneHeight / 2 + 1;
        g.fillStyle = palette.faultsoft;
        g.fillRect(x, y, w, this.laneHeight - 2);
        hatch(g, x, y, w, this.laneHeight - 2, palette.faultsoft, 9);
        g.fillStyle = palette.fault;
        g.fillRect(x, y, Math.min(2, w), this.laneHeight - 2);
        const up = run.stateAt(lane, Math.max(fault.from, this.scene.from) + 1) === 0;
        if (up && this.laneHeight > 30 && w > 60) {
          g.font = SMALL;
          g.textAlign = "left";
          const left = Math.max(x, GUTTER) + 5;
          g.fillText(fitted(g, fault.verb, x + w - left - 4), left, y + 8);
        }
      }
    }
  }

  drawFaults() {
    const { g, rows } = this;
    g.font = SMALL;
    g.textAlign = "left";
    for (const [i, fault] of this.run.faults.entries()) {
      const row = this.faultRows.row[i];
      if (row < 0 || !this.visible(fault.from, fault.to)) continue;
      const x = this.x(fault.from), w = Math.max(3, this.x(fault.to) - x);
      const y = rows.faults + row * 17;
      g.fillStyle = palette.faultsoft;
      g.fillRect(x, y, w, 15);
      hatch(g, x, y, w, 15, palette.faultsoft, 6);
      g.fillStyle = palette.fault;
      g.fillRect(x, y, 2, 15);
      const left = Math.max(x, GUTTER) + 6, right = this.faultRows.free(i, this);
      const words = fitted(g, fault.words, Math.max(x + w - 4, right) - left);
      if (words) backed(g, words, left, y + 8, palette.text, 0.8);
    }
  }

  // One segment per view; those that failed are drawn last, so that none is lost among many.
  drawViews() {
    const { g, rows, run } = this;
    const first = Math.max(0, lowest(run.views.map((view) => view[2]), this.scene.from) - 1);
    const shown = [];
    for (let i = first; i < run.views.length && run.views[i][2] <= this.scene.to; i++) {
      const [view, leader, from, fate] = run.views[i];
      const next = run.views[i + 1];
      shown.push({ view, leader, from, fate, to: next ? next[2] : run.end });
    }
    const colour = (fate) => [palette.lane, palette.notarized, palette.notarized, palette.bad][fate];
    const y = rows.views, crowded = shown.length > this.plot / 3;
    for (const pass of [0, 1]) {
      for (const one of shown) {
        const failed = one.fate === 3 || one.fate === 0;
        if (failed !== (pass === 1)) continue;
        const x = this.x(one.from);
        const w = Math.max(failed ? 2.5 : 0.5, this.x(one.to) - x - (crowded ? 0 : 1));
        g.fillStyle = colour(one.fate);
        g.globalAlpha = one.fate === 3 ? 0.9 : 0.55;
        g.fillRect(x, y, w, 17);
        g.globalAlpha = 1;
        this.leaderBar(one, x, w);
        if (w > 26) {
          g.font = failed ? STRONG : SMALL;
          g.textAlign = "center";
          g.fillStyle = one.fate === 3 ? palette.paper : palette.text;
          const left = Math.max(x, GUTTER), right = Math.min(x + w, this.width - MARGIN);
          const name = `v${one.view} n${one.leader}${one.fate === 3 ? " nullified" : ""}`;
          const short = [name, `v${one.view} n${one.leader}`, `v${one.view}`]
            .find((text) => g.measureText(text).width < right - left - 4);
          if (short) g.fillText(short, (left + right) / 2, y + 9);
        }
      }
    }
  }

  // On the leader's own lane: whose turn it was.
  leaderBar(one, x, w) {
    const { g } = this;
    for (let lane = 0; lane < this.run.nodes.length; lane++) {
      if (this.run.nodes[lane].number !== one.leader) continue;
      const y = this.y(lane);
      g.fillStyle = one.fate === 3 ? palette.bad : palette.leader;
      g.globalAlpha = one.fate === 3 ? 0.85 : 0.6;
      const h = one.fate === 3 ? 10 : 6;
      g.fillRect(x, y - h / 2, w, h);
      g.globalAlpha = 1;
    }
  }

  // Over the messages on the leader's lane: which of its turns was given up.
  drawTurns() {
    const { g, run } = this;
    if (this.laneHeight <= 26) return;
    g.font = SMALL;
    g.textAlign = "left";
    for (const [i, [view, leader, from, fate]] of run.views.entries()) {
      const to = run.views[i + 1] ? run.views[i + 1][2] : run.end;
      if (fate !== 3 || !this.visible(from, to)) continue;
      const left = Math.max(this.x(from), GUTTER) + 4;
      const right = Math.min(this.x(to), this.width - MARGIN) - 2;
      const words = [`leader of view ${view}, given up`, "given up"]
        .find((text) => g.measureText(text).width <= right - left);
      if (!words) continue;
      for (const [lane, node] of run.nodes.entries()) {
        if (node.number === leader) backed(g, words, left, this.y(lane) + 14, palette.bad);
      }
    }
  }

  drawLanes() {
    const { g, run } = this;
    for (let lane = 0; lane < run.nodes.length; lane++) {
      const y = this.y(lane);
      for (const [from, to, state] of run.lanes[lane].states) {
        if (!this.visible(from, to)) continue;
        const x = this.x(from), w = this.x(to) - x;
        if (state === 0) {
          g.fillStyle = palette.lane;
          g.fillRect(x, y - 1, w, 2);
          continue;
        }
        const top = y - this.laneHeight / 2 + 2, h = this.laneHeight - 4;
        g.fillStyle = palette.down;
        g.globalAlpha = 0.35;
        g.fillRect(x, top, Math.max(2, w), h);
        g.globalAlpha = 1;
        hatch(g, x, top, Math.max(2, w), h, palette.faint, state === 1 ? 6 : 12);
      }
    }
  }

  // Over everything else on the lane, because it explains what is not there.
  drawStates() {
    const { g, run } = this;
    g.font = STRONG;
    g.textAlign = "left";
    for (let lane = 0; lane < run.nodes.length; lane++) {
      for (const [from, to, state] of run.lanes[lane].states) {
        if (state === 0 || !this.visible(from, to)) continue;
        const left = Math.max(this.x(from), GUTTER) + 5;
        const right = Math.min(this.x(to), this.width - MARGIN);
        const word = state === 1 ? "down" : "paused";
        const w = g.measureText(word).width + 8;
        if (right - left < w) continue;
        const y = this.laneHeight > 26 ? this.y(lane) - this.laneHeight / 2 + 10 : this.y(lane);
        g.fillStyle = palette.paper;
        g.fillRect(left, y - 7, w, 14);
        g.fillStyle = palette.text;
        g.fillText(word, left + 4, y);
      }
    }
  }

  drawMessages() {
    const { run, scene } = this;
    const shown = [];
    let many = !run.isComplete(scene.from, scene.to);
    if (!many) {
      for (const i of run.between(scene.from, scene.to)) {
        if (scene.shows(run, i)) shown.push(i);
        if (shown.length > LINES_MAX) { many = true; break; }
      }
      many ||= shown.length > 1800 && this.x(scene.from + run.flight) - GUTTER < 4;
    }
    this.lines = many ? null : shown;
    if (many) this.drawDensity(); else this.drawLines(shown);
  }

  // Where a message's line ends: at its receiver, or at the cross that says it never arrived.
  ends(i) {
    const { run } = this;
    const y0 = this.y(run.from[i]), y1 = this.y(run.to[i]);
    const x0 = this.x(run.sent[i]);
    if (run.fate[i] < 2) return [x0, y0, this.x(run.ended[i]), y1];
    // Lost where it was to arrive, or somewhere on its way: when it is lost at once nobody knows where.
    const arrives = run.head.losses[run.fate[i] - 2] === "receiver down";
    const stays = run.ended[i] - run.sent[i] < run.flight * 0.2;
    const share = arrives ? 0.96 : stays ? 0.6 : 0.9;
    const at = stays ? run.sent[i] + run.flight * share : run.ended[i];
    return [x0, y0, this.x(at), y0 + (y1 - y0) * share];
  }

  drawLines(shown) {
    const { g, run } = this;
    const alpha = shown.length < 250 ? 0.95 : shown.length < 1200 ? 0.6 : 0.38;
    const arrows = shown.length < 500;
    const byGroup = INKS.map(() => []);
    for (const i of shown) byGroup[run.group[i]].push(i);
    const order = [8, 6, 5, 4, 2, 1, 3, 7, 0];
    for (const group of order) {
      const ink = INKS[group];
      g.strokeStyle = g.fillStyle = palette.inks[group];
      g.lineWidth = shown.length < 1200 ? ink.width : Math.max(0.7, ink.width * 0.7);
      g.globalAlpha = group === 0 || group === 3 ? Math.min(1, alpha * 1.6) : alpha;
      g.setLineDash(ink.dash);
      g.beginPath();
      for (const i of byGroup[group]) {
        const [x0, y0, x1, y1] = this.ends(i);
        g.moveTo(x0, y0); g.lineTo(x1, y1);
      }
      g.stroke();
      g.setLineDash([]);
      if (arrows) {
        for (const i of byGroup[group]) if (run.fate[i] === 1) arrow(g, ...this.ends(i));
      }
    }
    g.globalAlpha = 1;
    g.strokeStyle = palette.text;
    g.lineWidth = 1.5;
    const size = shown.length < 1200 ? 3.5 : 2.2;
    for (const i of shown) {
      if (run.fate[i] < 2) continue;
      const [, , x, y] = this.ends(i);
      cross(g, x, y, size);
    }
    g.lineWidth = 3;
    for (const i of this.chain) {
      g.strokeStyle = palette.inks[run.group[i]];
      const [x0, y0, x1, y1] = this.ends(i);
      g.beginPath(); g.moveTo(x0, y0); g.lineTo(x1, y1); g.stroke();
      arrow(g, x0, y0, x1, y1, 9);
    }
    g.lineWidth = 1;
  }

  // Departures per validator and bin of three pixels, by kind; losses hang below.
  drawDensity() {
    const { g, run } = this;
    const STEP = 3, bins = Math.ceil(this.plot / STEP);
    const counts = this.countBins(bins, STEP);
    // The highest bars are cut off, or one burst would make all others invisible.
    const sums = [];
    for (const lane of counts) {
      for (let b = 0; b < bins; b++) {
        let sum = 0;
        for (let group = 0; group < INKS.length; group++) sum += lane[group][b];
        if (sum) sums.push(sum);
      }
    }
    sums.sort((a, b) => a - b);
    const most = sums[Math.floor(sums.length * 0.985)] || 1;
    const up = this.laneHeight * 0.62, down = this.laneHeight * 0.3;
    for (let lane = 0; lane < run.nodes.length; lane++) {
      const base = this.y(lane) + this.laneHeight * 0.14;
      const heights = new Float32Array(bins);
      for (let group = 0; group < INKS.length; group++) {
        g.fillStyle = palette.inks[group];
        g.globalAlpha = 0.85;
        for (let b = 0; b < bins; b++) {
          const n = counts[lane][group][b];
          if (!n) continue;
          const h = Math.min(Math.max(0.6, n / most * up), Math.max(0, up * 1.1 - heights[b]));
          g.fillRect(GUTTER + b * STEP, base - heights[b] - h, STEP - 0.4, h);
          heights[b] += h;
        }
      }
      g.fillStyle = palette.bad;
      for (let b = 0; b < bins; b++) {
        const n = counts[lane][INKS.length][b];
        if (n) g.fillRect(GUTTER + b * STEP, base + 1, STEP - 0.4, Math.min(down, Math.max(1.5, n / most * up)));
      }
    }
    g.globalAlpha = 1;
  }

  countBins(bins, step) {
    const { run, scene } = this;
    const rows = INKS.length + 1;
    const counts = run.nodes.map(() => Array.from({ length: rows }, () => new Float32Array(bins)));
    const whole = run.complete === null;
    const add = (lane, row, time, n) => {
      const b = Math.floor((this.x(time) - GUTTER) / step);
      if (b >= 0 && b < bins) counts[lane][row][b] += n;
    };
    if (whole || run.isComplete(scene.from, scene.to)) {
      for (let i = lowest(run.sent, scene.from); i < run.crossings && run.sent[i] <= scene.to; i++) {
        if (!scene.shows(run, i)) continue;
        add(run.from[i], run.group[i], run.sent[i], 1);
        if (run.fate[i] > 1) add(run.from[i], INKS.length, run.sent[i], 1);
      }
      return counts;
    }
    // Counted beforehand: a bin of the file may be wider or narrower than one of the picture.
    const first = Math.max(0, Math.floor(scene.from / run.binWidth));
    const last = Math.min(run.bins - 1, Math.ceil(scene.to / run.binWidth));
    for (let lane = 0; lane < run.nodes.length; lane++) {
      if (scene.lanes.size && !scene.lanes.has(lane)) continue;
      for (let row = 0; row < rows; row++) {
        if (row < INKS.length && (!scene.groups[row] || scene.lostOnly)) continue;
        for (let b = first; b <= last; b++) {
          const n = run.binned[lane][row][b];
          if (!n) continue;
          const from = this.x(b * run.binWidth), w = this.x((b + 1) * run.binWidth) - from;
          const spread = Math.max(1, Math.round(w / step));
          for (let s = 0; s < spread; s++) add(lane, row, this.time(from + (s + 0.5) * w / spread), n / spread);
        }
      }
    }
    return counts;
  }

  // Flags on the lanes, and the strip of final blocks.
  drawFinals() {
    const { g, rows, run, scene } = this;
    const y = rows.finals, shown = run.heights.filter((height) => this.visible(height[2], height[2]));
    g.fillStyle = palette.lane;
    g.fillRect(GUTTER, y + 17, this.plot, 1);
    g.textAlign = "left";
    for (const trouble of run.troubles) {
      const x = this.x(trouble.from), w = this.x(trouble.end) - x;
      if (!this.visible(trouble.from, trouble.end)) continue;
      hatch(g, x + 1, y + 2, w - 2, 15, palette.bad, 6);
      const text = `no block for ${lasting(trouble.end - trouble.from)}`;
      g.font = STRONG;
      g.textAlign = "center";
      const left = Math.max(x, GUTTER), right = Math.min(x + w, this.width - MARGIN);
      const half = g.measureText(text).width / 2 + 4;
      if (right - left > half * 2) {
        g.fillStyle = palette.paper;
        g.fillRect((left + right) / 2 - half, y + 2, half * 2, 15);
        g.fillStyle = palette.bad;
        g.fillText(text, (left + right) / 2, y + 10);
      }
    }
    this.drawHeights(shown);
    let flags = 0;
    const perLane = run.lanes.map((lane) => {
      const first = lowest(lane.finals.map((final) => final[0]), scene.from);
      const last = lowest(lane.finals.map((final) => final[0]), scene.to);
      flags += last - first;
      return lane.finals.slice(first, last);
    });
    this.flagged = flags < run.nodes.length * this.plot / 24;
    if (!this.flagged) return;
    g.fillStyle = palette.good;
    for (const [lane, finals] of perLane.entries()) {
      g.font = SMALL;
      g.textAlign = "left";
      for (const [i, [at, height]] of finals.entries()) {
        const x = this.x(at), base = this.y(lane);
        g.fillStyle = palette.good;
        flag(g, x, base, this.laneHeight > 26 ? 0.9 : 0.6);
        const next = finals[i + 1] ? this.x(finals[i + 1][0]) : this.width - MARGIN;
        if (this.laneHeight > 26 && x + 10 + g.measureText(height).width < next) {
          g.fillText(height, x + 8, base - 12);
        }
      }
    }
  }

  // A flag per height, small where they are close, and the names of as many as can be read; two blocks
  // at one height are named whatever is beside them.
  drawHeights(shown) {
    const { g, rows } = this;
    const y = rows.finals, scale = shown.length < this.plot / 70 ? 1 : 0.5;
    const right = this.width - MARGIN;
    g.font = SMALL;
    for (const [, , at, , , blocks] of shown) {
      g.fillStyle = blocks > 1 ? palette.bad : palette.good;
      flag(g, this.x(at), y + 17, scale);
    }
    const labels = shown.map(([height, , at, , , blocks]) => {
      const text = blocks > 1 ? `h${height}: ${blocks} blocks!` : `h${height}`;
      const x = this.x(at) + (scale === 1 ? 11 : 2);
      return { text, x, to: x + g.measureText(text).width, forked: blocks > 1 };
    });
    const placed = labels.filter((label) => label.forked && label.to < right);
    for (const label of labels) {
      const isFree = placed.every((other) => other.to + 12 < label.x || other.x > label.to + 12);
      if (!label.forked && label.to < right && isFree) placed.push(label);
    }
    for (const { text, x, forked } of placed) {
      backed(g, text, x, y + 4, forked ? palette.bad : palette.text, 0.85);
    }
  }

  // What happened to single processes.
  drawNotes() {
    const { g, run } = this;
    for (const [at, lane, sort] of run.notes) {
      if (!this.visible(at, at)) continue;
      const x = this.x(at), y = this.y(lane), size = this.laneHeight > 26 ? 6 : 4;
      g.lineWidth = 2.5;
      if (sort === "down") { g.strokeStyle = palette.bad; cross(g, x, y, size); }
      if (sort === "up") { g.fillStyle = palette.good; triangle(g, x, y, size + 1); }
      if (sort === "evidence") { g.fillStyle = palette.purple; diamond(g, x, y, size); }
      if (sort === "halt") { g.fillStyle = palette.bad; g.fillRect(x - size, y - size, size * 2, size * 2); }
      g.lineWidth = 1;
    }
  }

  // From green to red where an invariant broke; evidence as diamonds.
  drawChecks() {
    const { g, rows, run } = this;
    const y = rows.checks + 8, verdict = run.verdict;
    const broken = verdict && verdict.at !== null ? verdict.at : null;
    const end = this.x(broken === null ? run.end : broken);
    const bad = broken !== null && verdict.code !== 0;
    g.fillStyle = palette.good;
    g.globalAlpha = 0.6;
    g.fillRect(GUTTER, y - 3, Math.max(0, end - GUTTER), 6);
    g.globalAlpha = 1;
    let last = -20;
    for (const [at, , sort] of run.notes) {
      if (sort !== "evidence" || !this.visible(at, at) || this.x(at) - last < 5) continue;
      last = this.x(at);
      g.fillStyle = palette.purple;
      diamond(g, last, y, 5);
    }
    const gst = run.head.gst;
    g.font = SMALL;
    if (gst !== null && this.visible(gst, gst)) {
      const text = "GST: the network is good from here on";
      const x = this.x(gst), w = g.measureText(text).width + 8;
      g.textAlign = x + w > this.width - MARGIN ? "right" : "left";
      g.fillStyle = palette.paper;
      g.fillRect(g.textAlign === "left" ? x + 3 : x - w - 3, y - 7, w, 14);
      g.fillStyle = palette.text;
      g.fillText(text, x + (g.textAlign === "left" ? 7 : -7), y);
    }
    if (broken !== null && this.visible(broken, broken)) {
      const colour = bad ? palette.bad : palette.fault;
      g.fillStyle = g.strokeStyle = colour;
      g.lineWidth = 2;
      g.beginPath(); g.moveTo(end, rows.views); g.lineTo(end, y + 8); g.stroke();
      g.lineWidth = 1;
      flag(g, end, y + 8, 1.6);
      const text = `${verdict.invariant || "no progress"}${bad ? "" : ", as expected"}`;
      g.font = STRONG;
      const w = g.measureText(text).width + 10;
      const right = end + w + 16 > this.width - MARGIN;
      g.fillStyle = palette.paper;
      g.fillRect(right ? end - w - 4 : end + 14, y - 8, w, 16);
      g.fillStyle = colour;
      g.textAlign = "left";
      g.fillText(text, right ? end - w + 1 : end + 19, y);
    }
  }

  drawCursor() {
    if (this.cursor === null || !this.visible(this.cursor, this.cursor)) return;
    const { g, rows } = this;
    const x = Math.round(this.x(this.cursor)) + 0.5;
    g.strokeStyle = palette.faint;
    g.beginPath(); g.moveTo(x, rows.faults); g.lineTo(x, rows.axis); g.stroke();
  }

  drawGutter() {
    const { g, rows, run } = this;
    g.textAlign = "right";
    const right = GUTTER - 10;
    const label = (text, y) => { g.font = SMALL; g.fillStyle = palette.faint; g.fillText(text, right, y); };
    if (this.faultRows.count) label("faults", rows.faults + 8);
    label("views", rows.views + 9);
    label("final", rows.finals + 10);
    label("checks", rows.checks + 8);
    label("time", rows.axis + 11);
    for (const [lane, node] of run.nodes.entries()) {
      const y = this.y(lane);
      g.font = STRONG;
      g.fillStyle = node.lies ? palette.purple : palette.text;
      if (this.scene.lanes.size && !this.scene.lanes.has(lane)) g.globalAlpha = 0.45;
      const tall = this.laneHeight > 32;
      const under = node.lies ? (node.lies.includes(",") ? "lies in many ways" : `lies: ${node.lies}`) : node.weight ? `weight ${node.weight}` : "";
      g.fillText(node.name, right, under && tall ? y - 7 : y);
      g.font = SMALL;
      if (under && tall) g.fillText(fitted(g, under, GUTTER - 12), right, y + 8);
      else if (node.lies) { g.textAlign = "left"; g.fillText("lies", 8, y); g.textAlign = "right"; }
      g.globalAlpha = 1;
    }
  }
}

// Text that can be read whatever it is written over.
function backed(g, text, x, y, colour, alpha = 0.9) {
  g.fillStyle = palette.paper;
  g.globalAlpha = alpha;
  g.fillRect(x - 2, y - 7, g.measureText(text).width + 4, 13);
  g.globalAlpha = 1;
  g.fillStyle = colour;
  g.fillText(text, x, y);
}

function arrow(g, x0, y0, x1, y1, size = 6) {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  g.fillStyle = g.strokeStyle;
  g.beginPath();
  g.moveTo(x1, y1);
  g.lineTo(x1 - size * Math.cos(angle - 0.35), y1 - size * Math.sin(angle - 0.35));
  g.lineTo(x1 - size * Math.cos(angle + 0.35), y1 - size * Math.sin(angle + 0.35));
  g.fill();
}

function flag(g, x, base, scale) {
  const h = 15 * scale, w = 8 * scale;
  g.fillRect(x - 0.5, base - h, 1.2, h);
  g.beginPath();
  g.moveTo(x, base - h); g.lineTo(x + w, base - h + 3.4 * scale); g.lineTo(x, base - h + 6.8 * scale);
  g.fill();
}

function triangle(g, x, y, size) {
  g.beginPath();
  g.moveTo(x - size, y + size * 0.8); g.lineTo(x + size, y + size * 0.8); g.lineTo(x, y - size);
  g.fill();
}

function diamond(g, x, y, size) {
  g.beginPath();
  g.moveTo(x, y - size); g.lineTo(x + size, y); g.lineTo(x, y + size); g.lineTo(x - size, y);
  g.fill();
}

// Puts intervals into rows in which none covers another; those beyond the last row get -1.
function packRows(faults, most) {
  const ends = [];
  const row = faults.map((fault) => {
    let at = ends.findIndex((end) => end <= fault.from);
    if (at < 0) at = ends.length < most ? ends.length : -1;
    if (at >= 0) ends[at] = fault.to;
    return at;
  });
  // Where the next fault of the same row begins: a name may reach that far.
  const free = (i, picture) => {
    const next = faults.findIndex((fault, j) => j > i && row[j] === row[i]);
    return next < 0 ? picture.width - MARGIN : picture.x(faults[next].from) - 4;
  };
  return { row, count: ends.length, free };
}

// Callouts: what stood still, why, and when it went on, written into the picture. Of many standstills
// those of one cause share one.
Picture.prototype.placeCallouts = function () {
  const { scene, run } = this;
  const shown = run.troubles.filter((trouble) => this.visible(trouble.from, trouble.end));
  const groups = shown.length > 3 ? byCause(shown) : shown.map((trouble) => [trouble]);
  const width = Math.min(430, this.plot * 0.48), most = 3;
  const longest = (group) => Math.max(...group.map((trouble) => trouble.end - trouble.from));
  const byWeight = groups.slice().sort((a, b) => longest(b) - longest(a)).slice(0, 9);
  byWeight.sort((a, b) => a[0].from - b[0].from);
  const rows = [], placed = [];
  for (const group of byWeight) {
    const from = Math.max(this.x(Math.max(group[0].from, scene.from)), GUTTER);
    const to = Math.min(this.x(Math.min(group.at(-1).end, scene.to)), GUTTER + this.plot);
    const middle = (from + to) / 2;
    const x = Math.max(GUTTER + 2, Math.min(middle - width / 2, GUTTER + this.plot - width - 2));
    let row = rows.findIndex((end) => end < x);
    if (row < 0) row = rows.length;
    if (row >= most) continue;
    rows[row] = x + width + 8;
    placed.push({ group, x, row, middle, width });
  }
  const named = placed.reduce((n, one) => n + one.group.length, 0);
  return { placed, rows: rows.length, hidden: shown.length - named };
};

// Troubles of one cause together, in the order of the first of each.
function byCause(troubles) {
  const groups = new Map();
  for (const trouble of troubles) {
    if (!groups.has(trouble.cause)) groups.set(trouble.cause, []);
    groups.get(trouble.cause).push(trouble);
  }
  return [...groups.values()];
}

// What a callout says: who failed and how, and when the chain went on.
function calloutWords(group) {
  if (group.length === 1) return [group[0].short, group[0].recovery];
  const longest = Math.max(...group.map((trouble) => trouble.end - trouble.from));
  const last = group.at(-1);
  return [`${group[0].cause}, ${group.length} times, up to ${lasting(longest)} without a block`,
    `the last time ${last.recovery}`];
}

// From each callout to what it is about, behind the names of faults.
Picture.prototype.drawStems = function () {
  const { g, rows } = this;
  g.strokeStyle = palette.bad;
  g.lineWidth = 1.2;
  for (const { group, row, middle } of this.callouts.placed) {
    g.beginPath(); g.moveTo(middle, row * 50 + 46); g.lineTo(middle, rows.views - 1.5); g.stroke();
    const from = this.x(group[0].from), to = this.x(group.at(-1).end);
    g.beginPath(); g.moveTo(from, rows.views - 1.5); g.lineTo(Math.max(to, from + 2), rows.views - 1.5); g.stroke();
  }
  g.lineWidth = 1;
};

Picture.prototype.drawCallouts = function () {
  const { g, rows } = this;
  for (const { group, x, row, width } of this.callouts.placed) {
    const y = row * 50 + 2, h = 44;
    const [short, recovery] = calloutWords(group);
    g.strokeStyle = palette.bad;
    g.lineWidth = 1.2;
    g.fillStyle = palette.paper;
    g.beginPath(); g.roundRect(x, y, width, h, 5); g.fill();
    g.stroke();
    g.lineWidth = 1;
    g.textAlign = "left";
    g.font = STRONG;
    g.fillStyle = palette.bad;
    const lines = wrapped(g, short, width - 14, 2);
    const room = lines.length === 1;
    lines.forEach((line, i) => g.fillText(line, x + 7, y + (room ? 13 : 10) + i * 13));
    g.font = SMALL;
    g.fillStyle = group.at(-1).to === null ? palette.bad : palette.text;
    g.fillText(fitted(g, recovery, width - 14), x + 7, y + (room ? 28 : 36));
  }
  if (this.callouts.hidden > 0) {
    g.font = SMALL;
    g.textAlign = "right";
    g.fillStyle = palette.faint;
    g.fillText(`${this.callouts.hidden} more not named here: zoom in, or press n`, this.width - MARGIN, rows.faults - 11);
  }
};
