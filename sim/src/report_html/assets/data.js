// Unpacks what `pack.rs` has packed.

class Reader {
  constructor(bytes) { this.bytes = bytes; this.at = 0; }
  varint() {
    let value = 0, scale = 1;
    for (;;) {
      const byte = this.bytes[this.at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }
  zigzag() { return unfold(this.varint()); }
  take(length) { this.at += length; return this.bytes.subarray(this.at - length, this.at); }
  column() { return new Reader(this.take(this.varint())); }
  lines() { return new TextDecoder().decode(this.take(this.varint())).split("\n"); }
}

const unfold = (n) => (n % 2 ? -(n + 1) / 2 : n / 2);

async function unpack(text) {
  const packed = Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const meta = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  return new Run(meta, new Reader(bytes.subarray(4 + length)));
}

// One run. Times are microseconds. Messages are columns, sorted by departure.
class Run {
  constructor(meta, reader) {
    Object.assign(this, meta);
    this.nodes = meta.head.nodes;
    this.verdict = meta.head.verdict;
    this.readLetters(reader);
    for (const lane of this.lanes) {
      lane.stays = pairs(lane.stays);
      lane.finals = pairs(lane.finals);
    }
    if (meta.bins) this.readBins(reader);
  }

  readLetters(reader) {
    const { letters, crossings } = this;
    const [froms, kinds, abouts, causes, refs, tos, sents, tooks, fates] =
      Array.from({ length: 9 }, () => reader.column());
    this.words = reader.lines();
    this.whys = reader.lines();
    this.letterFrom = new Uint16Array(letters);
    this.letterKind = new Uint8Array(letters);
    this.letterView = new Float64Array(letters);
    this.letterCause = new Int32Array(letters).fill(-1);
    let view = 0, cause = 0;
    for (let i = 0; i < letters; i++) {
      this.letterFrom[i] = froms.varint();
      this.letterKind[i] = kinds.bytes[i];
      this.letterView[i] = view += abouts.zigzag();
      const step = causes.varint();
      if (step > 0) this.letterCause[i] = cause += unfold(step - 1);
    }
    this.letterOf = new Int32Array(crossings);
    this.from = new Uint16Array(crossings);
    this.to = new Uint16Array(crossings);
    this.group = new Uint8Array(crossings);
    this.fate = new Uint8Array(crossings);
    this.sent = new Float64Array(crossings);
    this.ended = new Float64Array(crossings);
    const times = [];
    let letter = 0, sent = 0;
    for (let i = 0; i < crossings; i++) {
      this.letterOf[i] = letter += refs.zigzag();
      this.from[i] = this.letterFrom[letter];
      this.to[i] = tos.varint();
      this.group[i] = this.group_of[this.letterKind[letter]];
      this.sent[i] = sent += sents.varint();
      this.ended[i] = sent + tooks.varint();
      this.fate[i] = fates.bytes[i];
      if (this.fate[i] === 1 && i % 7 === 0) times.push(this.ended[i] - this.sent[i]);
    }
    times.sort((a, b) => a - b);
    this.flight = times[times.length >> 1] || 20000;
    // A message that is lost at once is drawn as if it had gone part of the way.
    const usual = (times[Math.floor(times.length * 0.98)] || 50000) * 2;
    this.long = [];
    this.reach = usual;
    for (let i = 0; i < crossings; i++) {
      if (this.ended[i] - this.sent[i] > usual) this.long.push(i);
    }
  }

  readBins(reader) {
    const rows = this.groups.length + 1;
    this.binned = this.nodes.map(() => Array.from({ length: rows }, () => {
      const row = new Uint32Array(this.bins);
      for (let i = 0; i < this.bins; i++) row[i] = reader.varint();
      return row;
    }));
    this.binWidth = this.bin_nanos / 1000;
  }

  // The places of messages under way at some time between two.
  *between(from, to) {
    const first = lowest(this.sent, from - this.reach);
    for (const i of this.long) {
      if (i >= first) break;
      if (this.ended[i] >= from) yield i;
    }
    for (let i = first; i < this.crossings && this.sent[i] <= to; i++) {
      if (this.ended[i] >= from) yield i;
    }
  }

  // Whether every message of a stretch is here one by one.
  isComplete(from, to) {
    return !this.complete || this.complete.some(([a, b]) => a <= from && b >= to);
  }

  viewAt(time) { return before(this.views, time, (view) => view[2]); }
  stayAt(lane, time) { return before(this.lanes[lane].stays, time, (stay) => stay[0]); }
  heightAt(lane, time) { return before(this.lanes[lane].finals, time, (final) => final[0]); }
  stateAt(lane, time) {
    const state = before(this.lanes[lane].states, time, (stretch) => stretch[0]);
    return state ? state[2] : 1;
  }
  leaderLane(number) { return this.nodes.findIndex((node) => node.number === number); }
}

function pairs(steps) {
  const out = [];
  let a = 0, b = 0;
  for (let i = 0; i < steps.length; i += 2) out.push([a += steps[i], b += steps[i + 1]]);
  return out;
}

// The first place in a sorted array whose value is not below the one given.
function lowest(array, value) {
  let low = 0, high = array.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (array[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}

// The last of a list, sorted by `key`, whose key is not above the time.
function before(list, time, key) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(list[middle]) <= time) low = middle + 1; else high = middle;
  }
  return low > 0 ? list[low - 1] : undefined;
}

const seconds = (us, digits = 3) => `${(us / 1e6).toFixed(digits)} s`;
// Cut off, not rounded, as everywhere else in the page.
const cut = (value, digits) => (Math.floor(value * 10 ** digits) / 10 ** digits).toFixed(digits);
const lasting = (us) => us < 1e4 ? `${cut(us / 1e3, 1)} ms`
  : us < 1e6 ? `${cut(us / 1e3, 0)} ms` : us < 1e7 ? `${cut(us / 1e6, 2)} s` : `${cut(us / 1e6, 1)} s`;
const grouped = (n) => n.toLocaleString("en");
