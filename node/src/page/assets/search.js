// Finding things: a height, a block, a transaction or an account. Sixty-four digits may be any of three.

async function lookUp(text) {
  if (/^[0-9]{1,15}$/.test(text) || text === "latest") return ["Block", await ask(`/v1/blocks/${text}`)];
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Error("Give a height, or the 64 digits of a block, a transaction or an account.");
  for (const [what, path] of [["Block", "blocks"], ["Transaction", "tx"]]) {
    try {
      return [what, await ask(`/v1/${path}/${text}`)];
    } catch { /* It may be one of the others. */ }
  }
  const account = await ask(`/v1/accounts/${text}`);
  if (!account.exists) throw new Error("There is no final block, transaction or account of this name here.");
  return ["Account", account];
}

const link = (text) => make("button", { class: "link hash", type: "button", click: () => find(text) }, text.length > 20 ? short(text) : text);

function list(...pairs) {
  return make("dl", {}, ...pairs.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

const SHOW = {
  Block: (block) => {
    const { header } = block, outcomes = block.outcomes ?? [];
    const rows = block.transactions.slice(0, 100).map((one, place) => make("tr", {},
      make("td", {}, link(one.id)), make("td", {}, one.body.kind.type),
      make("td", {}, link(one.body.payer.address ?? one.body.payer.owner)),
      make("td", {}, outcomes[place] ? [outcomes[place].outcome, outcomes[place].reason].filter(Boolean).join(": ") : "not executed yet")));
    const more = block.transactions.length > 100 ? [make("p", { class: "faint" }, `and ${block.transactions.length - 100} more`)] : [];
    const parent = header.height > 1 ? link(header.parent) : "the genesis";
    return [list(["height", header.height], ["digest", make("code", {}, header.digest)], ["parent", parent],
      ["proposer", `#${header.proposer}`], ["made", new Date(header.timestamp_ms).toISOString()],
      ["view", block.proof ? block.proof.candidate.view : header.origin_view],
      ["transactions", block.transactions.length], ["bytes", header.payload_bytes]),
    ...(rows.length ? [make("div", { class: "scroll" }, make("table", {}, make("tbody", {}, ...rows)))] : []), ...more];
  },
  Transaction: (one) => [list(["id", make("code", {}, one.id)], ["block", link(String(one.height))],
    ["place", one.index], ["outcome", [one.outcome, one.reason].filter(Boolean).join(": ")],
    ...(one.transaction ? [["payer", link(one.transaction.body.payer.address ?? one.transaction.body.payer.owner)],
      ["fee", one.transaction.body.fee], ["does", make("code", {}, JSON.stringify(one.transaction.body.kind))]] : []))],
  Account: (one) => [list(["address", make("code", {}, one.address)], ["balance", one.balance], ["nonce", one.nonce],
    ["takes the signatures of", one.authority === "key" ? "its key" : `${one.signers?.threshold} of ${one.signers?.keys.length} signers`],
    ["at height", one.height])],
};

async function find(text) {
  const section = byId("found");
  let content;
  try {
    const [what, value] = await lookUp(text);
    say("found-title", what === "Block" ? `Block ${value.header.height}` : what);
    content = SHOW[what](value);
    if (what === "Block" && model.heights.some((one) => one.height === value.header.height)) choose(value.header.height);
  } catch (error) {
    say("found-title", "Not found");
    content = [make("p", {}, error.message)];
  }
  byId("found-body").replaceChildren(...content);
  section.hidden = false;
  section.focus({ preventScroll: false });
  section.scrollIntoView({ block: "nearest" });
}
