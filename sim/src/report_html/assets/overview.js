// The whole run in small: how high the chain has grown, what was lost, where it stood still, and which
// stretch the picture shows. Dragging chooses another one.

class Overview {
  constructor(canvas, run, scene) {
    Object.assign(this, { canvas, run, scene });
    canvas.addEventListener("pointerdown", (event) => this.press(event));
  }

  x(time) { return GUTTER + time / this.scene.end * this.plot; }
  time(x) { return Math.max(0, Math.min(1, (x - GUTTER) / this.plot)) * this.scene.end; }

  draw() {
    this.plot = Math.max(100, this.canvas.clientWidth - GUTTER - MARGIN);
    const { run, scene } = this;
    const { g, width, height } = prepare(this.canvas, 58);
    const top = 4, base = height - 6;
    g.fillStyle = palette.paper;
    g.fillRect(GUTTER, top, this.plot, base - top);
    for (const trouble of run.troubles) {
      g.fillStyle = palette.badsoft;
      g.fillRect(this.x(trouble.from), top, Math.max(2, this.x(trouble.end) - this.x(trouble.from)), base - top);
      g.fillStyle = palette.bad;
      g.fillRect(this.x(trouble.from), base - 3, Math.max(2, this.x(trouble.end) - this.x(trouble.from)), 3);
    }
    for (const fault of run.faults) {
      g.fillStyle = palette.fault;
      g.fillRect(this.x(fault.from), top, Math.max(2, this.x(fault.to) - this.x(fault.from)), 3);
    }
    // The height of the chain: where it does not rise, nothing became final.
    const highest = Math.max(1, ...run.heights.map((height) => height[0]));
    g.strokeStyle = palette.good;
    g.lineWidth = 2;
    g.beginPath();
    g.moveTo(GUTTER, base);
    let last = base;
    for (const [at, reached] of run.heights.map((one) => [one[2], one[0]]).sort((a, b) => a[0] - b[0])) {
      const y = base - reached / highest * (base - top - 10);
      g.lineTo(this.x(at), last);
      last = Math.min(last, y);
      g.lineTo(this.x(at), last);
    }
    g.lineTo(this.x(run.end), last);
    g.stroke();
    g.lineWidth = 1;
    const [a, b] = [this.x(scene.from), this.x(scene.to)];
    g.fillStyle = palette.text;
    g.globalAlpha = 0.13;
    g.fillRect(GUTTER, top, a - GUTTER, base - top);
    g.fillRect(b, top, GUTTER + this.plot - b, base - top);
    g.globalAlpha = 1;
    g.strokeStyle = palette.text;
    g.strokeRect(a + 0.5, top + 0.5, Math.max(3, b - a - 1), base - top - 1);
    g.font = SMALL;
    g.textAlign = "right";
    g.fillStyle = palette.faint;
    g.fillText("whole run", GUTTER - 10, top + 12);
    g.fillStyle = palette.good;
    g.fillText(`height ${highest}`, GUTTER - 10, base - 12);
  }

  press(event) {
    const at = event.offsetX, { scene } = this;
    const inside = at > this.x(scene.from) && at < this.x(scene.to)
      && scene.to - scene.from < scene.end * 0.98;
    const start = this.time(at), from = scene.from, to = scene.to;
    this.canvas.setPointerCapture(event.pointerId);
    const move = (other) => {
      const now = this.time(other.offsetX);
      if (inside) scene.show(from + now - start, to + now - start);
      else if (Math.abs(other.offsetX - at) > 3) scene.show(Math.min(start, now), Math.max(start, now));
    };
    const release = (other) => {
      this.canvas.removeEventListener("pointermove", move);
      this.canvas.removeEventListener("pointerup", release);
      if (Math.abs(other.offsetX - at) <= 3 && !inside) {
        const half = (to - from) / 2;
        if (half < scene.end * 0.49) scene.show(start - half, start + half);
      }
    };
    this.canvas.addEventListener("pointermove", move);
    this.canvas.addEventListener("pointerup", release);
  }
}
