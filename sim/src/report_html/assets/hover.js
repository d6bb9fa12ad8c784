// What lies under the pointer, in words, and why it happened.

class Hover {
  constructor(picture, tip) {
    Object.assign(this, { picture, tip });
    this.pinned = false;
  }

  // The message whose line is nearest, if one is near.
  nearest(x, y) {
    const { picture } = this;
    if (!picture.lines) return -1;
    let best = -1, least = 49;
    for (const i of picture.lines) {
      const distance = toLine(x, y, ...picture.ends(i));
      if (distance < least) { least = distance; best = i; }
    }
    return best;
  }

  // Arrivals that led to this message, nearest cause first.
  causes(i) {
    const { run } = this.picture;
    const chain = [];
    for (let at = i; at >= 0 && chain.length < 5; at = run.letterCause[run.letterOf[at]]) {
      if (chain.includes(at)) break;
      chain.push(at);
    }
    return chain;
  }

  at(x, y) {
    const { picture } = this, { rows, run } = picture;
    const time = picture.time(x), lane = picture.laneAt(y);
    picture.chain = new Set();
    if (lane >= 0) {
      const note = run.notes.find((note) => note[1] === lane && Math.abs(picture.x(note[0]) - x) < 7
        && Math.abs(picture.y(lane) - y) < 9 && note[2] !== "fetch");
      if (note) return this.note(note);
      const i = this.nearest(x, y);
      if (i >= 0) return this.message(i);
      return this.lane(lane, time);
    }
    if (y >= rows.views - 4 && y < rows.views + 20) return this.view(time);
    if (y >= rows.faults && y < rows.views - 4) return this.fault(x, y);
    if (y >= rows.finals && y < rows.checks - 2) return this.final(x, time);
    if (y >= rows.checks && y < rows.axis) return this.checks(x);
    const callout = picture.callouts.placed.find((one) => x >= one.x && x <= one.x + one.width
      && y >= one.row * 50 && y <= one.row * 50 + 48);
    if (!callout) return null;
    const [only] = callout.group;
    return callout.group.length === 1 ? this.trouble(only) : this.troubles(callout.group);
  }

  message(i) {
    const { picture } = this, { run } = picture;
    const chain = this.causes(i);
    picture.chain = new Set(chain);
    const lines = [];
    chain.forEach((at, step) => {
      const letter = run.letterOf[at], name = (lane) => run.nodes[lane].name;
      const fate = run.fate[at] === 1 ? `arrived ${lasting(run.ended[at] - run.sent[at])} later`
        : run.fate[at] === 0 ? "still on its way in the end"
        : `LOST: ${run.head.losses[run.fate[at] - 2]}`;
      const colour = run.group[at];
      if (step === 0) lines.push({ strong: run.words[letter], colour });
      else lines.push({ text: `which came with: ${run.words[letter]}`, colour, above: true });
      lines.push({ text: `${name(run.from[at])} → ${name(run.to[at])}, sent at ${seconds(run.sent[at], 6)}, ${fate}` });
      if (run.whys[letter]) lines.push({ text: `sent because ${run.whys[letter]}`, faint: true });
    });
    return lines;
  }

  note([at, lane, , words]) {
    const { run } = this.picture;
    return [{ strong: `${run.nodes[lane].name}: ${words}` }, { text: seconds(at, 6) }];
  }

  lane(lane, time) {
    const { picture } = this, { run } = picture;
    const node = run.nodes[lane], stay = run.stayAt(lane, time), height = run.heightAt(lane, time);
    const view = run.viewAt(time);
    const state = ["runs", "is down", "is paused"][run.stateAt(lane, time)];
    const lines = [{ strong: `${node.name} ${state} at ${seconds(time)}` }];
    if (node.lies) lines.push({ text: `it lies: ${node.lies}` });
    if (stay && run.stateAt(lane, time) !== 1) lines.push({ text: `in view ${stay[1]} since ${seconds(stay[0])}` });
    lines.push({ text: `final up to height ${height ? height[1] : 0}` });
    if (view) lines.push({ text: `the cluster is in view ${view[0]}, leader n${view[1]}${node.number === view[1] ? ": itself" : ""}` });
    for (const fault of run.faults) {
      if (fault.from <= time && fault.to >= time && (!fault.lanes.length || fault.lanes.includes(lane))) {
        lines.push({ text: fault.words, faint: true });
      }
    }
    if (!picture.lines) {
      const complete = run.isComplete(picture.scene.from, picture.scene.to);
      lines.push({ text: complete ? "bars count messages sent, red ones lost; zoom in for lines"
        : "of this stretch the file has only counts", faint: true });
    }
    return lines;
  }

  view(time) {
    const { run } = this.picture;
    const view = run.viewAt(time);
    if (!view) return null;
    const [number, leader, from, fate, decided, proposed] = view;
    const word = ["not decided", "notarized; a later block made it final", "final", "nullified: given up by a quorum"][fate];
    const lines = [{ strong: `view ${number}, leader n${leader}: ${word}` },
      { text: `entered at ${seconds(from)}${decided === null ? "" : `, decided after ${lasting(decided - from)}`}` },
      { text: proposed === null ? "no proposal" : `proposed at ${seconds(proposed)}` }];
    for (const trouble of run.troubles) {
      for (const failure of trouble.failures) {
        if (failure.view === number) failure.lines.forEach((text) => lines.push({ text, faint: true }));
      }
    }
    return lines;
  }

  fault(x, y) {
    const { picture } = this, { run, rows } = picture;
    const row = Math.floor((y - rows.faults) / 17);
    const i = run.faults.findIndex((fault, at) => picture.faultRows.row[at] === row
      && picture.x(fault.from) - 3 <= x && picture.x(fault.to) + 3 >= x);
    if (i < 0) return null;
    const fault = run.faults[i];
    return [{ strong: fault.words }, { text: `from ${seconds(fault.from)} to ${seconds(fault.to)}, ${lasting(fault.to - fault.from)}` }];
  }

  final(x, time) {
    const { picture } = this, { run } = picture;
    const trouble = run.troubles.find((one) => one.from <= time && one.end >= time);
    let best = null, least = 12;
    for (const height of run.heights) {
      const distance = Math.abs(picture.x(height[2]) + 4 - x);
      if (distance < least) { least = distance; best = height; }
    }
    if (best && !(trouble && least > 6)) {
      const [height, view, at, lane, by] = best;
      return [{ strong: `height ${height} is final at ${seconds(at)}` },
        { text: `block of view ${view}; first at ${run.nodes[lane].name}, in the end at ${by} of ${run.nodes.length}` }];
    }
    return trouble ? this.trouble(trouble) : null;
  }

  trouble(trouble) {
    const lines = [{ strong: trouble.short }, { text: trouble.recovery }];
    for (const failure of trouble.failures.slice(0, 6)) {
      failure.lines.forEach((text) => lines.push({ text, faint: true }));
    }
    const more = trouble.failures.length - 6;
    if (more > 0) lines.push({ text: `and ${more} more views`, faint: true });
    return lines;
  }

  troubles(group) {
    const [short, recovery] = calloutWords(group);
    const lines = group.slice(0, 8).map((one) => ({ text: `${one.began}: ${one.short}`, faint: true }));
    const more = group.length - lines.length;
    if (more > 0) lines.push({ text: `and ${more} more`, faint: true });
    return [{ strong: short }, { text: recovery }, ...lines];
  }

  checks(x) {
    const { picture } = this, { run } = picture, { verdict } = run;
    const note = run.notes.find((note) => note[2] === "evidence" && Math.abs(picture.x(note[0]) - x) < 6);
    if (note) return this.note(note);
    if (verdict && verdict.at !== null && Math.abs(picture.x(verdict.at) - x) < 60) {
      return [{ strong: verdict.detail }, { text: `noticed at ${seconds(verdict.at, 6)}` }];
    }
    return [{ strong: "invariants watched" }, { text: run.head.invariants.join(", ").replaceAll("_", " ") }];
  }

  show(lines, x, y) {
    const { tip } = this;
    if (!lines) { this.hide(); return; }
    tip.replaceChildren(...lines.map((line) => {
      const p = document.createElement("p");
      if (line.colour !== undefined) {
        const swatch = document.createElement("i");
        swatch.style.background = palette.inks[line.colour];
        p.append(swatch);
      }
      if (line.strong) p.className = "strong";
      if (line.faint) p.className = "faint";
      p.append(line.strong || line.text);
      return p;
    }));
    tip.hidden = false;
    tip.style.left = "0px";
    const { width, height } = tip.getBoundingClientRect();
    const room = document.documentElement.clientWidth;
    tip.style.left = `${Math.max(8, Math.min(x + 14, room - width - 12))}px`;
    const below = y + 18 + height < window.innerHeight;
    tip.style.top = `${below ? y + 18 : Math.max(8, y - height - 12)}px`;
  }

  hide() { this.tip.hidden = true; }
}

// The square of a point's distance from a line's nearest point.
function toLine(x, y, x0, y0, x1, y1) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const along = Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1)));
  return (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2;
}
