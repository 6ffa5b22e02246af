// Draws a lineage as SVG: dagre places, a view moves over it. No request, no inline code.
const SVG = "http://www.w3.org/2000/svg";
const BOX = { width: 172, height: 48, inset: 12 };
const LABEL = { height: 16, letter: 6.2, inset: 10 };
// Below SMALLEST nobody reads the names; HEIGHT is in pixels of the page.
const SCALE = { smallest: 0.62, fitted: 1.1, largest: 2.5, step: 1.25 };
const HEIGHT = { least: 170, most: 560 };
const MARGIN = 14;
const KIND_TONE = {
  version: "accent", dataset: "info", contribution: "info", contributor: "warning", run: "quiet",
  benchmark: "quiet", comparison: "warning", improvement: "success", attestation: "success",
  deployment: "danger",
};
// A view outlives a redraw (another theme, a refreshed page) of the same width.
const views = new Map();
const ruler = document.createElement("canvas").getContext("2d");

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...children);
  return made;
}

function placed(data) {
  const graph = new window.dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({
    rankdir: "LR", nodesep: 20, ranksep: 46, edgesep: 14, marginx: MARGIN, marginy: MARGIN,
  });
  data.nodes.forEach((node) => graph.setNode(node.id, { width: BOX.width, height: BOX.height }));
  data.edges.forEach((edge) => {
    const width = edge.label ? edge.label.length * LABEL.letter + LABEL.inset : 0;
    const height = edge.label ? LABEL.height : 0;
    graph.setEdge(edge.src, edge.dst, { width, height, labelpos: "c" }, edge.kind);
  });
  window.dagre.layout(graph);
  return graph;
}

function cut(text, width, font) {
  ruler.font = font;
  if (ruler.measureText(text).width <= width) return text;
  let kept = text;
  while (kept && ruler.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}

function box(node, place, focused, t, font) {
  const tone = node.hidden ? t.quiet : t[KIND_TONE[node.kind]] || t.accent;
  const drawn = element(
    node.href ? "a" : "g",
    { transform: `translate(${place.x - BOX.width / 2} ${place.y - BOX.height / 2})` },
    element("title", {}, `${node.kind}: ${node.label}`),
    element("rect", {
      width: BOX.width, height: BOX.height, rx: 8, fill: t.ground, stroke: tone,
      "stroke-width": focused ? 3 : 1.3, "stroke-dasharray": node.hidden ? "4 3" : "none",
    }),
    element(
      "text", { x: BOX.inset, y: 18, fill: tone, "font-size": 10.5, "font-weight": 600 }, node.kind,
    ),
    element(
      "text", { x: BOX.inset, y: 36, fill: t.strong, "font-size": 12.5 },
      cut(node.label, BOX.width - 2 * BOX.inset, `12.5px ${font}`),
    ),
  );
  if (node.href) drawn.setAttribute("href", node.href);
  return drawn;
}

// A way through the points that dagre gives, rounded at each.
function path(points) {
  const [first, ...rest] = points;
  const middle = (a, b) => `${(a.x + b.x) / 2} ${(a.y + b.y) / 2}`;
  const bends = rest.slice(0, -1).map((point, at) => `Q${point.x} ${point.y} ${middle(point, rest[at + 1])}`);
  const last = rest[rest.length - 1];
  return `M${first.x} ${first.y}${bends.join("")}L${last.x} ${last.y}`;
}

function line(edge, place, t) {
  const told = edge.kind.replaceAll("_", " ");
  const tip = element("title", {}, edge.label ? `${told}: ${edge.label}` : told);
  const last = place.points[place.points.length - 1];
  return element(
    "g", {}, tip,
    element("path", { d: path(place.points), fill: "none", stroke: t.quiet, "stroke-width": 1.4 }),
    element("path", { d: `M${last.x} ${last.y}l-8 -4.5v9z`, fill: t.quiet }),
  );
}

function label(edge, place, t) {
  return element(
    "g", { transform: `translate(${place.x} ${place.y})`, "pointer-events": "none" },
    element("rect", {
      x: -place.width / 2, y: -LABEL.height / 2, width: place.width, height: LABEL.height, rx: 8,
      fill: t.ground, stroke: t.line,
    }),
    element(
      "text", { y: 4, fill: t.text, "font-size": 11, "text-anchor": "middle" }, edge.label,
    ),
  );
}

function picture(data, graph, t, font) {
  const lines = data.edges.map((edge) => [edge, graph.edge(edge.src, edge.dst, edge.kind)]);
  return [
    ...lines.map(([edge, place]) => line(edge, place, t)),
    ...lines.filter(([edge]) => edge.label).map(([edge, place]) => label(edge, place, t)),
    ...data.nodes.map((node) => box(node, graph.node(node.id), node.id === data.focus, t, font)),
  ];
}

const within = (value, low, high) => Math.min(Math.max(value, low), high);

// The whole graph where that is readable; else as much as is, around the focus.
function whole(size, focus, page) {
  const room = { width: page.width, height: HEIGHT.most };
  const fits = Math.min(room.width / size.width, room.height / size.height);
  const scale = within(fits, SCALE.smallest, SCALE.fitted);
  const height = within(size.height * scale, HEIGHT.least, HEIGHT.most);
  const start = (length, at, seen) =>
    length <= seen + 1 ? (length - seen) / 2 : within(at - seen / 2, 0, length - seen);
  return {
    scale, height, fits,
    x: start(size.width, focus.x, page.width / scale),
    y: start(size.height, focus.y, height / scale),
  };
}

function controls(view) {
  const button = (text, title, act) => {
    const made = document.createElement("button");
    Object.assign(made, { type: "button", textContent: text, title, ariaLabel: title, onclick: act });
    return made;
  };
  const bar = document.createElement("div");
  bar.className = "hk-lineage-bar";
  bar.append(
    button("+", "Zoom in", () => view.zoom(SCALE.step)),
    button("−", "Zoom out", () => view.zoom(1 / SCALE.step)),
    button("Fit", "Show all of it", () => view.fit()),
  );
  const hint = document.createElement("p");
  hint.className = "hk-lineage-hint";
  hint.textContent = "Drag to move, scroll to zoom.";
  return [bar, hint];
}

class View {
  constructor(svg, size, focus, key) {
    Object.assign(this, { svg, size, key, width: svg.parentElement.clientWidth });
    this.first = whole(size, focus, { width: this.width });
    svg.setAttribute("height", this.first.height);
    const kept = views.get(key);
    this.at = kept?.width === this.width ? kept.at : { ...this.first };
    this.show();
  }

  show() {
    const { x, y, scale } = this.at;
    const [width, height] = [this.width / scale, this.first.height / scale];
    this.svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
    views.set(this.key, { width: this.width, at: this.at });
  }

  fit() {
    const scale = Math.min(this.first.fits, this.first.height / this.size.height, SCALE.fitted);
    this.at = {
      scale,
      x: (this.size.width - this.width / scale) / 2,
      y: (this.size.height - this.first.height / scale) / 2,
    };
    this.show();
  }

  // Zoom and keep the point under the pointer; tells whether anything changed.
  zoom(factor, point = { x: this.width / 2, y: this.first.height / 2 }) {
    const least = Math.min(this.first.fits, SCALE.smallest);
    const scale = within(this.at.scale * factor, least, SCALE.largest);
    if (scale === this.at.scale) return false;
    this.at = {
      scale,
      x: this.at.x + point.x / this.at.scale - point.x / scale,
      y: this.at.y + point.y / this.at.scale - point.y / scale,
    };
    this.show();
    return true;
  }

  move(x, y) {
    const { width, height } = this.size;
    const keep = BOX.height / this.at.scale;
    this.at.x = within(this.at.x - x / this.at.scale, keep - this.width / this.at.scale, width - keep);
    this.at.y = within(
      this.at.y - y / this.at.scale, keep - this.first.height / this.at.scale, height - keep,
    );
    this.show();
  }
}

function follow(svg, view) {
  let held = null;
  svg.addEventListener("wheel", (event) => {
    const { left, top } = svg.getBoundingClientRect();
    const point = { x: event.clientX - left, y: event.clientY - top };
    // At the end of the zoom the page scrolls on.
    if (view.zoom(Math.exp(-event.deltaY / 400), point)) event.preventDefault();
  }, { passive: false });
  svg.addEventListener("pointerdown", (event) => {
    if (event.button === 0) held = { x: event.clientX, y: event.clientY, moved: false };
  });
  svg.addEventListener("pointermove", (event) => {
    if (!held || event.buttons === 0) return;
    const [x, y] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.moved && Math.hypot(x, y) < 5) return;
    if (!held.moved) svg.setPointerCapture(event.pointerId);
    held = { x: event.clientX, y: event.clientY, moved: true };
    view.move(x, y);
  });
  // A drag that ends on a box is no click on it.
  svg.addEventListener("click", (event) => {
    if (held?.moved) event.preventDefault();
    held = null;
  }, { capture: true });
  svg.addEventListener("dragstart", (event) => event.preventDefault());
}

// data: {nodes: [{id, kind, label, hidden, href}], edges: [{src, dst, kind, label}], focus}
export function drawLineage(holder, data, t) {
  const graph = placed(data);
  const size = graph.graph();
  const { fontFamily } = getComputedStyle(document.body);
  const svg = element(
    "svg", { width: "100%", class: "hk-lineage", "font-family": fontFamily },
    ...picture(data, graph, t, fontFamily),
  );
  holder.classList.add("hk-lineage-box");
  holder.replaceChildren(svg);
  const known = data.nodes.some((node) => node.id === data.focus);
  const focus = known ? graph.node(data.focus) : { x: size.width, y: size.height / 2 };
  const view = new View(svg, size, focus, `${window.location.pathname} ${holder.dataset.source}`);
  holder.append(...controls(view));
  follow(svg, view);
}
