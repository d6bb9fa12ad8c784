// Uses a report as a reader would, and leaves what it found in the page as JSON in base64. The test
// puts it at the head of a copy of the page; the page itself knows nothing of it.
(() => {
  "use strict";
  const errors = [];
  window.addEventListener("error", (event) => errors.push(String(event.message)));
  window.addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));

  // A browser without a screen and with its own time makes no frames.
  window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 16);

  const text = (selector) => document.querySelector(selector)?.textContent ?? "";
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const buttons = () => [...document.querySelectorAll(".tools button")];
  const click = (label) => buttons().find((one) => one.textContent.startsWith(label)).click();

  // Every first line of a tip that pointing at one column of the picture after the other brings up.
  async function pointAt(canvas) {
    const heads = new Set(), box = canvas.getBoundingClientRect();
    for (let x = 100; x < box.width; x += 45) {
      for (let y = 2; y < box.height; y += 6) {
        const place = { clientX: box.left + x, clientY: box.top + y, pointerId: 1, bubbles: true };
        canvas.dispatchEvent(new PointerEvent("pointermove", place));
        const tip = document.getElementById("tip");
        if (!tip.hidden) heads.add(tip.firstChild.textContent);
      }
    }
    canvas.dispatchEvent(new PointerEvent("pointerleave", { pointerId: 1 }));
    return [...heads];
  }

  // What the picture says of itself: the stretch shown, the messages drawn, the dots that are not empty.
  async function look() {
    await drawn();
    const canvas = document.querySelector("canvas.main");
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    let ink = 0;
    for (let i = 3; i < data.length; i += 4 * 97) if (data[i] > 0) ink++;
    return { stretch: text(".tools output"), drawn: text(".count"), ink };
  }

  async function exercise() {
    const canvas = document.querySelector("canvas.main"), found = { steps: {} };
    if (!canvas) return found;
    const { steps } = found;
    steps.begin = await look();
    found.heads = await pointAt(canvas);
    press("+");
    steps.key = await look();
    click("−");
    steps.button = await look();
    const box = canvas.getBoundingClientRect();
    canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: -400, ctrlKey: true, cancelable: true,
      clientX: box.left + 400, clientY: box.top + 100 }));
    steps.wheel = await look();
    [...document.querySelectorAll("button.jump")].at(-1).click();
    steps.jump = await look();
    click("whole run");
    steps.whole = await look();
    click("notarize");
    steps.filtered = await look();
    click("✕ lost only");
    steps.lost = await look();
    click("✕ lost only");
    click("notarize");
    click("n0");
    steps.lane = await look();
    click("n0");
    click("light / dark");
    steps.other = await look();
    found.theme = document.documentElement.dataset.theme;
    return found;
  }

  async function begin() {
    while (!document.body || !document.body.dataset.ready) await new Promise((go) => setTimeout(go, 10));
    let found = {};
    try {
      found = await exercise();
    } catch (error) {
      errors.push(`while it was used: ${error.stack}`);
    }
    Object.assign(found, { errors, page: { ...document.body.dataset } });
    const left = document.createElement("pre");
    left.id = "found";
    left.textContent = btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(found))));
    document.body.append(left);
  }
  document.addEventListener("DOMContentLoaded", begin);
})();
