// A part of a lineage as SVG: dagre places the boxes, this draws them.
const SVG = "http://www.w3.org/2000/svg";
export const BOX = { width: 172, height: 48, inset: 12 };
const LABEL = { height: 16, letter: 6.2, inset: 10 };
const BADGE = { height: 18, letter: 6.6, inset: 12, gap: 4 };
const MARGIN = 14;
// Beyond this many boxes the best ranking costs more than it shows.
const SIMPLE_ABOVE = 60;
const RANKS_CROSSED = 300;
export const KIND_TONE = {
  version: "accent", dataset: "info", contribution: "info", contributor: "warning", run: "quiet",
  benchmark: "quiet", comparison: "warning", improvement: "success", attestation: "success",
  deployment: "danger",
};
const ruler = document.createElement("canvas").getContext("2d");

export function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...children);
  return made;
}

const badgeWidth = (badge) => `+${badge.count}`.length * BADGE.letter + BADGE.inset;

// How far from the last each box stands, as dagre ranks them; circles are cut where they close.
function ranks(boxes, edges) {
  const after = new Map(boxes.map((box) => [box.id, []]));
  edges.forEach((edge) => after.get(edge.src).push(edge.dst));
  const found = new Map();
  const rank = (id) => {
    if (found.has(id)) return found.get(id);
    found.set(id, 0);
    found.set(id, Math.max(0, ...after.get(id).map((next) => rank(next) + 1)));
    return found.get(id);
  };
  boxes.forEach((box) => rank(box.id));
  return found;
}

// Each rank that a line crosses costs dagre a point to place: the longest are drawn straight
// instead, so that the layout of any graph ends soon.
function laidOut(boxes, edges) {
  const far = ranks(boxes, edges);
  const span = (edge) => Math.abs(far.get(edge.src) - far.get(edge.dst));
  let crossed = 0;
  const within = new Set([...edges].sort((a, b) => span(a) - span(b)).filter((edge) => {
    crossed += span(edge);
    return crossed <= RANKS_CROSSED;
  }));
  return edges.filter((edge) => within.has(edge));
}

// Where dagre puts boxes and lines; badges get room beside their boxes.
export function placed({ boxes, edges, badges }) {
  const graph = new window.dagre.graphlib.Graph({ multigraph: true });
  const side = badges.length ? Math.max(...badges.map(badgeWidth)) + BADGE.gap : 0;
  graph.setGraph({
    rankdir: "LR", nodesep: 20, ranksep: 46 + side, edgesep: 14,
    marginx: MARGIN + side, marginy: MARGIN,
    ranker: boxes.length > SIMPLE_ABOVE ? "longest-path" : "network-simplex",
  });
  boxes.forEach((box) => graph.setNode(box.id, { width: BOX.width, height: BOX.height }));
  laidOut(boxes, edges).forEach((edge) => {
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

export const nameOf = (box) => (box.folded ? `${box.count} of kind ${box.kind}` : box.node.label);

function boxElement(box, full) {
  const told = box.folded ? `${nameOf(box)}; click to show each` : `${box.kind}: ${nameOf(box)}`;
  const href = !full && !box.folded && box.node.href;
  const drawn = element(
    href ? "a" : "g", { class: "hk-lineage-node", "data-box": box.id }, element("title", {}, told),
  );
  if (href) drawn.setAttribute("href", href);
  else if (full || box.folded) {
    drawn.setAttribute("role", "button");
    drawn.setAttribute("aria-label", told);
    drawn.setAttribute("tabindex", full ? "-1" : "0");
  }
  return drawn;
}

function box(one, place, { t, font, state }) {
  const tone = one.node?.hidden ? t.quiet : t[KIND_TONE[one.kind]] || t.accent;
  const drawn = boxElement(one, state.data.full);
  const focused = one.id === state.focus;
  const frame = {
    width: BOX.width, height: BOX.height, rx: 8, fill: t.ground, stroke: tone,
    "stroke-width": focused ? 3 : 1.3, "stroke-dasharray": one.node?.hidden ? "4 3" : "none",
  };
  drawn.setAttribute(
    "transform", `translate(${place.x - BOX.width / 2} ${place.y - BOX.height / 2})`,
  );
  if (one.folded) drawn.append(element("rect", { ...frame, x: 4, y: 4, "stroke-width": 1 }));
  drawn.append(
    element("rect", { ...frame, class: "hk-lineage-frame" }),
    element(
      "text", { x: BOX.inset, y: 18, fill: tone, "font-size": 10.5, "font-weight": 600 }, one.kind,
    ),
    element(
      "text", { x: BOX.inset, y: 36, fill: t.strong, "font-size": 12.5 },
      cut(one.folded ? `${one.count} ×` : one.node.label, BOX.width - 2 * BOX.inset, `12.5px ${font}`),
    ),
  );
  return drawn;
}

function badge(one, place, { t }) {
  const width = badgeWidth(one);
  const gap = BOX.width / 2 + BADGE.gap;
  const x = one.way === "in" ? place.x - gap - width : place.x + gap;
  const told = `${one.count} more ${one.way === "in" ? "that led here" : "that came of it"}; click to show`;
  return element(
    "g",
    {
      class: "hk-lineage-badge", role: "button", "aria-label": told, tabindex: "0",
      "data-badge": one.id, "data-way": one.way,
      transform: `translate(${x} ${place.y - BADGE.height / 2})`,
    },
    element("title", {}, told),
    element("rect", { width, height: BADGE.height, rx: 9, fill: t.ground, stroke: t.accent }),
    element(
      "text",
      { x: width / 2, y: 13, fill: t.accent, "font-size": 11, "font-weight": 600, "text-anchor": "middle" },
      `+${one.count}`,
    ),
  );
}

// From the right side of one box to the left side of the other, through dagre's points.
function way(edge, graph) {
  const [src, dst] = [graph.node(edge.src), graph.node(edge.dst)];
  const place = graph.edge(edge.src, edge.dst, edge.kind);
  const from = { x: src.x + BOX.width / 2, y: src.y };
  const to = { x: dst.x - BOX.width / 2, y: dst.y };
  const bends = place ? place.points.slice(1, -1) : [{ x: from.x + 40, y: from.y }, { x: to.x - 40, y: to.y }];
  const width = edge.label ? edge.label.length * LABEL.letter + LABEL.inset : 0;
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2, width };
  return { points: [from, ...bends, to], label: place || middle };
}

// A way through the points, rounded at each.
function path(points) {
  const [first, ...rest] = points;
  const middle = (a, b) => `${(a.x + b.x) / 2} ${(a.y + b.y) / 2}`;
  const bends = rest.slice(0, -1).map((point, at) => `Q${point.x} ${point.y} ${middle(point, rest[at + 1])}`);
  const last = rest[rest.length - 1];
  return `M${first.x} ${first.y}${bends.join("")}L${last.x} ${last.y}`;
}

function line(edge, place, { t, state }) {
  const told = edge.kind.replaceAll("_", " ");
  const tip = element("title", {}, edge.label ? `${told}: ${edge.label}` : told);
  const last = place.points[place.points.length - 1];
  const chosen = state.selected && [edge.src, edge.dst].includes(state.selected);
  const tone = chosen && state.data.full ? t.accent : t.quiet;
  return element(
    "g", {}, tip,
    element("path", { d: path(place.points), fill: "none", stroke: tone, "stroke-width": chosen ? 2 : 1.4 }),
    element("path", { d: `M${last.x} ${last.y}l-8 -4.5v9z`, fill: tone }),
  );
}

function label(edge, place, { t }) {
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

// what: {boxes, edges, badges}; look: {t: tones, font, state}
export function picture(what, graph, look) {
  const lines = what.edges.map((edge) => [edge, way(edge, graph)]);
  return [
    ...lines.map(([edge, place]) => line(edge, place, look)),
    ...lines.filter(([edge]) => edge.label).map(([edge, place]) => label(edge, place.label, look)),
    ...what.boxes.map((one) => box(one, graph.node(one.id), look)),
    ...what.badges.map((one) => badge(one, graph.node(one.id), look)),
  ];
}
