// How long blocks took to be final, and who is connected.

// Upper ends in milliseconds. Nothing belongs beyond the last: that is what the chain promises.
const SPREAD = [10, 20, 40, 80, 160, 320, 640, 1250, 2500, 5000];

function writeSpread() {
  const took = model.heights.map((one) => one.finalized_after_ms).filter((one) => one !== null);
  const counts = [...SPREAD, Infinity].map((end, place) => took.filter((ms) => ms <= end && ms > (SPREAD[place - 1] ?? -1)).length);
  const most = Math.max(1, ...counts), late = counts.at(-1);
  const sorted = [...took].sort((a, b) => a - b), at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const words = took.length === 0 ? "Nothing is known yet." :
    `Half within ${at(0.5)} ms, 99 of 100 within ${at(0.99)} ms${late ? `, ${late} later than 5 s` : ", none later than 5 s"}.`;
  say("spread-words", words);
  byId("spread").replaceChildren(...counts.map((count, place) => {
    const end = SPREAD[place], name = end === undefined ? "more" : end < 1000 ? `${end} ms` : `${end / 1000} s`;
    const bar = make("i", { title: `${count} of ${took.length}, up to ${name}` });
    bar.style.height = `${count ? Math.max(4, count / most * 100) : 0}%`;
    bar.classList.toggle("late", end === undefined);
    return make("div", {}, make("span", {}, bar), make("small", {}, name));
  }));
}

function micros(us) { return us === null ? "–" : us < 1000 ? `${us} µs` : `${(us / 1000).toFixed(1)} ms`; }

function writePeers() {
  const { peers } = model;
  if (!peers || peers === model.told) return;
  model.told = peers;
  const name = (one) => (one.validator === null ? "full node" : `#${one.validator}`);
  const slowest = Math.max(1, ...peers.peers.map((one) => one.round_trip_us ?? 0));
  const order = (a, b) => (a.validator ?? Infinity) - (b.validator ?? Infinity);
  const rows = [...peers.peers].sort(order).map((one) => {
    const bar = make("i", {}), queued = one.queued.votes + one.queued.proposals + one.queued.bulk;
    bar.style.width = `${(one.round_trip_us ?? 0) / slowest * 100}%`;
    return make("tr", {}, make("td", { title: one.peer }, name(one)), make("td", {}, one.address),
      make("td", {}, one.inbound ? "in" : "out"), make("td", {}, micros(one.round_trip_us)),
      make("td", { class: "trip" }, bar), make("td", {}, one.height), make("td", {}, queued));
  });
  const absent = [...peers.absent].sort(order).map((one) => {
    const why = one.banned_s !== null ? `banned for ${one.banned_s} s more` : one.last_end ?? "not connected yet";
    return make("tr", { class: "absent" }, make("td", { title: one.peer }, name(one)), make("td", {}, one.address ?? "–"), make("td", { colspan: "5" }, why));
  });
  if (rows.length + absent.length === 0) rows.push(make("tr", {}, make("td", { colspan: "7", class: "faint" }, "Nobody is connected.")));
  byId("peers").replaceChildren(...rows, ...absent);
}
