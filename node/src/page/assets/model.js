// What is known of the node: asked for once, kept up by events, asked for again after a gap.

const HEIGHTS_MAX = 200;

const model = { status: null, validators: null, peers: null, told: null, heights: [], chosen: null, slow: null, listeners: [] };

async function ask(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  const body = await response.json();
  if (!response.ok && !path.startsWith("/health/")) throw new Error(body.detail ?? `${path} answers ${response.status}`);
  return body;
}

function changed() { for (const listener of model.listeners) listener(); }

// Takes in a height, newest last. A height that is known already is replaced.
function addHeight(one) {
  const known = model.heights.findIndex((other) => other.height === one.height);
  if (known >= 0) {
    // What was repeated from the store knows less than what was seen.
    if (one.finalized_after_ms !== null) model.heights[known] = one;
  } else {
    model.heights.push(one);
    model.heights.sort((a, b) => a.height - b.height);
    if (model.heights.length > HEIGHTS_MAX) model.heights.splice(0, model.heights.length - HEIGHTS_MAX);
  }
}

async function refresh() {
  const [status, validators, peers] = await Promise.all(["/v1/status", "/v1/validators", "/v1/peers"].map(ask));
  Object.assign(model, { status, validators, peers });
  status.recent.forEach(addHeight);
  changed();
}

// Milliseconds from a height's block to the next one's: what the chain waited.
function pace(place) {
  const [one, next] = [model.heights[place], model.heights[place + 1]];
  return next && next.height === one.height + 1 ? Math.max(0, next.timestamp_ms - one.timestamp_ms) : null;
}

function listen(onLink) {
  const source = new EventSource("/v1/events");
  const on = (name, take) => source.addEventListener(name, (event) => { take(JSON.parse(event.data)); changed(); });
  source.onopen = () => { onLink(true); refresh().catch(() => onLink(false)); };
  source.onerror = () => onLink(false);
  on("finalized", (one) => {
    addHeight(one);
    if (model.status && one.height > model.status.finalized_height) {
      Object.assign(model.status, { finalized_height: one.height, finalized_timestamp_ms: one.timestamp_ms });
    }
  });
  on("executed", (one) => { if (model.status) model.status.executed_height = one.height; });
  on("checkpointed", (one) => { if (model.status) model.status.checkpoint_height = one.height; });
  on("entered", (one) => { if (model.status) Object.assign(model.status, { view: one.view, leader: one.leader }); });
  on("halted", (one) => { if (model.status) model.status.halted = one.why; });
  for (const name of ["gap", "peer", "evidence"]) on(name, () => { refresh().catch(() => onLink(false)); });
}
