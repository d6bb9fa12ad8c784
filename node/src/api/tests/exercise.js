// Uses the page as a person with a keyboard would, and sends what it found.
(() => {
  "use strict";
  const errors = [];
  window.addEventListener("error", (event) => errors.push(String(event.message)));
  window.addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));
  const text = (id) => document.getElementById(id)?.textContent ?? "";
  const pause = () => new Promise((done) => setTimeout(done, 20));

  // Waits until something holds; what never does is an error.
  async function until(what, holds) {
    for (let tries = 0; tries < 1000; tries++) {
      if (holds()) return;
      await pause();
    }
    errors.push(`never: ${what}`);
  }

  function press(id, key) { document.getElementById(id).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })); }

  async function find(words) {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true }));
    if (document.activeElement.id !== "query") errors.push("a key does not lead to the search");
    document.getElementById("found-title").textContent = "";
    document.getElementById("query").value = words;
    document.getElementById("search").requestSubmit();
    await until(`an answer to ${words}`, () => text("found-title") !== "");
    return text("found-title");
  }

  function ink(id) {
    const canvas = document.getElementById(id);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 3; at < data.length; at += 4 * 7) if (data[at] > 0) count++;
    return count;
  }

  async function exercise() {
    const found = { errors };
    await until("twelve heights", () => Number(document.body.dataset.drawn) >= 12);
    await until("live", () => text("link") === "live");
    await until("the slow height", () => document.querySelectorAll("#timeline .bar").length > 0);
    Object.assign(found, { quorum: text("quorum"), link: text("link"), timeline: text("timeline-title") });
    found.peers = [...document.querySelectorAll("#peers tr")].map((row) => row.textContent);
    found.spread = text("spread-words");
    found.lanes = document.querySelectorAll("#timeline .bar").length;
    press("ribbon", "ArrowLeft");
    press("ribbon", "ArrowLeft");
    await until("a chosen height", () => text("chosen").startsWith("Height"));
    found.moved = text("chosen");
    found.ink = { ribbon: ink("ribbon"), matrix: ink("matrix") };
    found.height = await find("9");
    found.hash = await find(document.querySelector("#found-body code").textContent);
    found.transaction = await find("{{transaction}}");
    found.transaction_body = text("found-body");
    found.account = await find("{{account}}");
    found.nothing = await find("f".repeat(64));
    document.activeElement.blur();
    document.documentElement.dataset.theme = "light";
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "t", bubbles: true }));
    found.theme = document.documentElement.dataset.theme;
    await until("a new height", () => Number(text("height")) > 12);
    found.grown = Number(text("height"));
    return found;
  }

  addEventListener("load", async () => {
    const found = await exercise().catch((error) => ({ errors: [...errors, String(error)] }));
    await fetch("/found", { method: "POST", body: JSON.stringify(found) });
  });
})();
