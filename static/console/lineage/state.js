// Which part of a lineage is shown: what is near the focus, the rest behind counts. No drawing here.

// Above MOST boxes a graph is not read any more: then only the NEAREST, FAN to a side of each.
const MOST = { full: 150, small: 60 };
const NEAREST = { full: 70, small: 40 };
const FAN = 8;
const CHUNK = 30;
export const WAYS = ["in", "out"];

export const keyOf = (id, way) => `${way} ${id}`;

// data: {nodes: [{id, kind, label, hidden, href}], edges: [{src, dst, kind, label}], focus, full}
export class State {
  constructor(data, kept) {
    this.data = data;
    this.size = data.full ? "full" : "small";
    this.nodes = new Map(data.nodes.map((node) => [node.id, node]));
    this.near = { in: new Map(), out: new Map() };
    data.edges.forEach((edge) => {
      this.#append(this.near.in, edge.dst, edge.src);
      this.#append(this.near.out, edge.src, edge.dst);
    });
    this.start = this.nodes.has(data.focus) ? data.focus : data.nodes[0]?.id;
    Object.assign(this, {
      focus: this.start, depth: Infinity, selected: data.full ? this.start : null,
      opened: new Map(), closed: new Set(), folded: new Set(),
    });
    if (kept) Object.assign(this, kept);
    if (!this.nodes.has(this.focus)) this.focus = this.start;
  }

  #append(lists, id, other) {
    if (!lists.has(id)) lists.set(id, []);
    lists.get(id).push(other);
  }

  // What outlives a redraw.
  kept() {
    const { focus, depth, selected, opened, closed, folded } = this;
    return { focus, depth, selected, opened, closed, folded };
  }

  neighbours(id, way) {
    return this.near[way].get(id) || [];
  }

  kinds() {
    const counts = new Map();
    this.nodes.forEach(({ kind }) => counts.set(kind, (counts.get(kind) || 0) + 1));
    return counts;
  }

  find(text, most) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return [];
    const found = this.data.nodes.filter((node) => !node.hidden
      && (node.label.toLowerCase().includes(wanted) || node.id.toLowerCase().startsWith(wanted)));
    const place = (node) => node.label.toLowerCase().indexOf(wanted);
    return found.sort((a, b) => place(a) - place(b) || a.label.length - b.label.length).slice(0, most);
  }

  focusOn(id, depth) {
    Object.assign(this, { focus: id, selected: id, opened: new Map(), closed: new Set() });
    if (depth) this.depth = depth;
  }

  reset() {
    Object.assign(this, {
      focus: this.start, selected: this.start, depth: Infinity,
      opened: new Map(), closed: new Set(), folded: new Set(),
    });
  }

  toggleKind(kind) {
    if (!this.folded.delete(kind)) this.folded.add(kind);
  }

  expand(id, way) {
    const key = keyOf(id, way);
    if (this.closed.delete(key)) return;
    this.opened.set(key, (this.opened.get(key) || this.#shownBeside(id, way)) + CHUNK);
  }

  collapse(id, way) {
    this.opened.delete(keyOf(id, way));
    this.closed.add(keyOf(id, way));
  }

  #shownBeside(id, way) {
    return this.neighbours(id, way).filter((other) => this.shown.has(other)).length;
  }

  // {boxes, edges, badges}: one box per node shown or per folded kind; a badge counts what is
  // behind one side of a box.
  visible() {
    this.shown = this.#reached();
    const boxOf = (id) => this.#box(id, this.shown.get(id).anchor);
    return { boxes: this.#boxes(boxOf), edges: this.#edges(boxOf), badges: this.#badges() };
  }

  #reached() {
    const every = this.#walk({ fan: Infinity, most: Infinity });
    if (this.#cost(every) <= MOST[this.size]) return every;
    return this.#walk({ fan: FAN, most: NEAREST[this.size] });
  }

  #cost(shown) {
    return new Set([...shown].map(([id, { anchor }]) => this.#box(id, anchor))).size;
  }

  // Folded kinds have one box beside each box that they were reached from: one for all of them
  // would draw a line from everywhere.
  #box(id, anchor) {
    const { kind } = this.nodes.get(id);
    return this.folded.has(kind) ? `kind ${kind} ${anchor}` : id;
  }

  // Breadth first from the focus; then, where nothing narrows the view, from what stands apart.
  #walk({ fan, most }) {
    const shown = new Map();
    const boxes = new Set();
    const show = (id, distance, queue, anchor) => {
      shown.set(id, { distance, anchor });
      queue.push(id);
      boxes.add(this.#box(id, anchor));
    };
    const from = (seed) => {
      const queue = [];
      show(seed, 0, queue, "");
      for (let at = 0; at < queue.length; at += 1) {
        const { distance, anchor } = shown.get(queue[at]);
        const own = this.folded.has(this.nodes.get(queue[at]).kind) ? anchor : queue[at];
        WAYS.filter((way) => !this.closed.has(keyOf(queue[at], way))).forEach((way) => {
          const opened = this.opened.get(keyOf(queue[at], way)) || 0;
          let beside = 0;
          this.neighbours(queue[at], way).forEach((id) => {
            if (shown.has(id)) { beside += 1; return; }
            const free = distance < this.depth && beside < fan && boxes.size < most;
            if (!free && beside >= opened) return;
            beside += 1;
            show(id, distance + 1, queue, own);
          });
        });
      }
    };
    if (this.focus) from(this.focus);
    const narrowed = this.focus !== this.start || this.depth !== Infinity || this.closed.size;
    if (!narrowed && this.#apart) {
      this.#apart.forEach((id) => { if (!shown.has(id) && boxes.size < most) from(id); });
    }
    return shown;
  }

  // Things that no edge connects with the start: a page may show several lineages at once.
  get #apart() {
    if (this.aside) return this.aside;
    const seen = new Set([this.start]);
    const queue = [this.start];
    while (queue.length) {
      const id = queue.pop();
      WAYS.forEach((way) => this.neighbours(id, way).forEach((other) => {
        if (!seen.has(other)) { seen.add(other); queue.push(other); }
      }));
    }
    this.aside = this.data.nodes.map((node) => node.id).filter((id) => !seen.has(id));
    return this.aside;
  }

  #boxes(boxOf) {
    const boxes = new Map();
    this.shown.forEach((_, id) => {
      const key = boxOf(id);
      const box = boxes.get(key);
      if (box) { box.count += 1; return; }
      const node = this.nodes.get(id);
      boxes.set(key, key === id
        ? { id, node, kind: node.kind, count: 1, folded: false }
        : { id: key, node: null, kind: node.kind, count: 1, folded: true });
    });
    return [...boxes.values()];
  }

  #edges(boxOf) {
    const merged = new Map();
    this.data.edges.forEach((edge) => {
      if (!this.shown.has(edge.src) || !this.shown.has(edge.dst)) return;
      const [src, dst] = [boxOf(edge.src), boxOf(edge.dst)];
      if (src === dst) return;
      const key = `${src} ${dst} ${edge.kind}`;
      const same = merged.get(key);
      if (same) Object.assign(same, { count: same.count + 1, label: `${same.count + 1} ×` });
      else merged.set(key, { ...edge, src, dst, count: 1 });
    });
    return [...merged.values()];
  }

  #badges() {
    const parts = this.#behind();
    const badges = [];
    this.shown.forEach((_, id) => {
      if (this.folded.has(this.nodes.get(id).kind)) return;
      WAYS.forEach((way) => {
        const touched = new Set(this.neighbours(id, way)
          .filter((other) => !this.shown.has(other)).map((other) => parts.of.get(other)));
        const count = [...touched].reduce((sum, part) => sum + parts.sizes[part], 0);
        if (count) badges.push({ id, way, count });
      });
    });
    return badges;
  }

  // Connected parts of what is not shown: a badge counts everything behind it in one step.
  #behind() {
    const of = new Map();
    const sizes = [];
    this.nodes.forEach((_, seed) => {
      if (this.shown.has(seed) || of.has(seed)) return;
      const queue = [seed];
      of.set(seed, sizes.length);
      for (let at = 0; at < queue.length; at += 1) {
        WAYS.forEach((way) => this.neighbours(queue[at], way).forEach((other) => {
          if (this.shown.has(other) || of.has(other)) return;
          of.set(other, sizes.length);
          queue.push(other);
        }));
      }
      sizes.push(queue.length);
    });
    return { of, sizes };
  }
}
