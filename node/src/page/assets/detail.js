// Words and tables beside the pictures.

const short = (hash) => `${hash.slice(0, 10)}…`;

// An element with text and children. Nothing that comes from the node is ever read as HTML.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "click") element.addEventListener("click", value);
    else element.setAttribute(name, value);
  }
  element.append(...children.map((one) => (one instanceof Node ? one : String(one))));
  return element;
}

function say(id, text) { const element = byId(id); if (element.textContent !== text) element.textContent = text; }

function ago(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms / 100) * 100)} ms`;
  return ms < 100_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

function writeFacts() {
  const { status } = model;
  if (!status) return;
  say("who", `chain ${status.chain_id} · ${status.mode} · ${status.peers} peers`);
  say("height", String(status.finalized_height));
  say("executed", String(status.executed_height));
  say("checkpoint", String(status.checkpoint_height));
  say("view", String(status.view));
  say("leader", status.leader === null ? "view" : `view, led by #${status.leader}`);
  const alarm = byId("alarm");
  alarm.hidden = !status.halted;
  say("alarm", status.halted ?? "");
  document.title = `${status.finalized_height} · Quorate node`;
  writeAge();
}

function writeAge() {
  const { status } = model;
  if (status) say("age", status.finalized_height === 0 ? "–" : ago(Date.now() - status.finalized_timestamp_ms));
}

function writeGauge() {
  const { status, validators } = model;
  if (!status || !validators) return;
  const online = new Set(status.quorum.members), all = validators.validators;
  // With equal weights a quorum is a number of validators, and otherwise a weight.
  const weights = new Set(all.map((one) => one.weight)), each = Number(all[0].weight);
  const unit = weights.size === 1 ? each : 1;
  const needed = Math.ceil(Number(status.quorum.needed) / unit), total = Number(status.quorum.total) / unit;
  const there = Number(status.quorum.online) / unit, spare = there - needed;
  const what = weights.size === 1 ? "" : " by weight";
  const rest = spare < 0 ? `${-spare} missing` : `${spare} spare`;
  say("quorum", `${needed} of ${total} needed${what}, ${there} online, ${rest}`);
  const gauge = byId("gauge");
  gauge.setAttribute("aria-label", byId("quorum").textContent);
  gauge.classList.toggle("short", spare < 0);
  const sorted = [...all].sort((a, b) => online.has(b.index) - online.has(a.index) || a.index - b.index);
  let sum = 0, marked = false;
  gauge.replaceChildren(...sorted.map((one) => {
    sum += Number(one.weight);
    const need = !marked && sum >= Number(status.quorum.needed);
    marked ||= need;
    const bar = make("i", { title: `#${one.index} ${online.has(one.index) ? "online" : "not connected"}` });
    bar.classList.toggle("online", online.has(one.index));
    bar.classList.toggle("need", need);
    bar.style.flexGrow = one.weight;
    return bar;
  }));
}

function writeBlocks() {
  const size = model.validators?.validators.length ?? 0;
  const newest = model.heights.slice(-14).reverse();
  byId("blocks").replaceChildren(...newest.map((one) => make("tr", {},
    make("td", {}, make("button", { class: "link", type: "button", click: () => find(String(one.height)) }, one.height)),
    make("td", { class: "hash", title: one.digest }, short(one.digest)),
    make("td", {}, `#${one.leader}`),
    make("td", one.views_used > 1 ? { class: "slow" } : {}, one.views_used),
    make("td", {}, one.transactions),
    make("td", {}, `${one.voters.length}/${size}`),
    make("td", {}, one.finalized_after_ms === null ? "–" : `${one.finalized_after_ms} ms`))));
}

function describe(one) {
  const missing = (model.validators?.validators ?? []).filter((member) => !one.voters.includes(member.index));
  const lost = missing.length ? `, no vote of ${missing.map((member) => `#${member.index}`).join(" ")}` : "";
  return `Height ${one.height}: block ${short(one.digest)} of #${one.leader}, ${one.transactions} transactions, ` +
    `${one.views_used === 1 ? "1 view" : `${one.views_used} views`}, ${one.voters.length} votes${lost}`;
}

const WORDS = { no_proposal: "no proposal in time", no_certificate: "no certificate in time",
  invalid_proposal: "an invalid proposal", leader_nullified: "its leader gave up", leader_inactive: "its leader is silent" };

// The views on the way to a height, one lane each.
function writeTimeline(height, timeline) {
  const views = new Map();
  for (const step of timeline.steps) {
    if (!views.has(step.view)) views.set(step.view, { view: step.view, steps: [], leader: null, reason: null });
    const lane = views.get(step.view);
    lane.steps.push(step);
    lane.leader ??= step.leader;
    lane.reason ??= step.reason;
  }
  const end = Math.max(1, ...timeline.steps.map((step) => step.at_ms)), percent = (at) => `${(at / end * 97).toFixed(2)}%`;
  say("timeline-title", `How height ${height} became final`);
  const rows = [...views.values()].map((lane) => {
    const [first, last] = [lane.steps[0].at_ms, lane.steps.at(-1).at_ms];
    const what = lane.reason ? `lost: ${WORDS[lane.reason] ?? lane.reason}` : lane.steps.at(-1).what;
    const bar = make("div", { class: "bar", role: "img", "aria-label": `view ${lane.view}, ${what}, from ${first} to ${last} ms` });
    const span = make("span", { class: lane.reason ? "lost" : "" });
    Object.assign(span.style, { left: percent(first), width: `calc(${percent(last - first)} + 3px)` });
    bar.append(span, ...lane.steps.map((step) => {
      const mark = make("u", { class: step.what, title: `${step.what} after ${step.at_ms} ms` });
      mark.style.left = percent(step.at_ms);
      return mark;
    }));
    return [make("div", {}, `view ${lane.view}`, lane.leader === null ? "" : ` · #${lane.leader}`), bar, make("div", {}), make("small", {}, `${what}, ${first} to ${last} ms`)];
  });
  const lanes = make("div", { class: "lane" }, ...rows.flat());
  byId("timeline").replaceChildren(lanes, timeline.incomplete ? make("p", { class: "faint" }, "Some of it happened before this node started, or was missed.") : "");
}

async function showTimeline(height) {
  model.shown = height;
  try {
    const timeline = await ask(`/v1/consensus/heights/${height}/timeline`);
    if (model.shown === height) writeTimeline(height, timeline);
  } catch (error) {
    if (model.shown === height) { say("timeline-title", `How height ${height} became final`); say("timeline", error.message); }
  }
}
