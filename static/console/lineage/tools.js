// What stands around the drawing of a whole page: search, depth, legend, and what is selected.
import { KIND_TONE } from "./picture.js";
import { WAYS } from "./state.js";

const FOUND = 10;
const EDGES_LISTED = 14;
const DEPTHS = [["All", Infinity], ["1 step", 1], ["2 steps", 2], ["3 steps", 3], ["5 steps", 5]];
const SIDES = { in: "what led here", out: "what came of it" };
let names = 0;

function made(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

const button = (text, act, properties = {}) =>
  made("button", { type: "button", textContent: text, onclick: act, ...properties });

// A box to search in, with what was found below it; keys choose, Enter jumps.
function search(state, jump) {
  names += 1;
  const list = made("ul", { id: `hk-found-${names}`, className: "hk-lineage-found", role: "listbox", hidden: true });
  const input = made("input", {
    type: "search", placeholder: "Search by name or id", autocomplete: "off", role: "combobox",
  });
  input.setAttribute("aria-label", "Search the graph");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");
  let [found, at] = [[], 0];
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  };
  const choose = (node) => { close(); input.value = ""; jump(node.id); };
  const mark = () => [...list.children].forEach((item, place) => {
    item.setAttribute("aria-selected", String(place === at));
  });
  const show = () => {
    [found, at] = [state.find(input.value, FOUND), 0];
    list.replaceChildren(...found.map((node) => {
      const item = made(
        "li", { role: "option" }, made("b", { textContent: node.label }),
        made("small", { textContent: `${node.kind} ${node.id}` }),
      );
      item.onpointerdown = (event) => { event.preventDefault(); choose(node); };
      return item;
    }));
    if (!found.length) list.replaceChildren(made("li", { className: "hk-nothing", textContent: "Nothing here is called so." }));
    list.hidden = !input.value.trim();
    input.setAttribute("aria-expanded", String(!list.hidden));
    mark();
  };
  input.oninput = show;
  input.onblur = close;
  input.onkeydown = (event) => {
    if (event.key === "Enter" && found[at]) { event.preventDefault(); choose(found[at]); }
    if (event.key === "Escape") close();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !found.length) return;
    event.preventDefault();
    at = (at + step + found.length) % found.length;
    mark();
  };
  return made("div", { className: "hk-lineage-search" }, input, list);
}

function depth(state, changed) {
  const select = made("select", {
    onchange: () => { state.depth = DEPTHS[select.selectedIndex][1]; changed(); },
  }, ...DEPTHS.map(([text]) => made("option", { textContent: text })));
  select.selectedIndex = Math.max(0, DEPTHS.findIndex(([, steps]) => steps === state.depth));
  return made("label", { className: "hk-lineage-depth" }, "Around the focus", select);
}

function legend(state, t, changed) {
  const chips = [...state.kinds()].sort().map(([kind, count]) => {
    const folded = state.folded.has(kind);
    const dot = made("i");
    dot.style.background = t[KIND_TONE[kind]] || t.accent;
    const chip = button("", () => { state.toggleKind(kind); changed(); }, {
      title: folded ? `Show each ${kind}` : `Collapse every ${kind} into one box`,
    });
    chip.append(dot, kind, made("small", { textContent: count }));
    chip.setAttribute("aria-pressed", String(folded));
    return chip;
  });
  return made("div", { className: "hk-lineage-legend", role: "group", ariaLabel: "Kinds" }, ...chips);
}

// act: {jump(id), changed()}
export function tools(state, t, act) {
  return made(
    "div", { className: "hk-lineage-tools" },
    search(state, act.jump),
    depth(state, act.changed),
    button("Start again", () => { state.reset(); act.changed(); }, { title: "Back to where this page began" }),
    legend(state, t, act.changed),
  );
}

function sideButtons(state, id, badges, act) {
  return WAYS.flatMap((way) => {
    const badge = badges.find((one) => one.id === id && one.way === way);
    const seen = state.neighbours(id, way).some((other) => state.shown.has(other));
    const more = badge && button(`Show ${SIDES[way]} (${badge.count})`, () => { state.expand(id, way); act.changed(); });
    const less = seen && button(`Collapse ${SIDES[way]}`, () => { state.collapse(id, way); act.changed(); });
    return [more, less].filter(Boolean);
  });
}

function relation(state, edge, id, act) {
  const other = edge.src === id ? edge.dst : edge.src;
  const arrow = edge.src === id ? "→" : "←";
  const said = edge.label ? `, ${edge.label}` : "";
  return made(
    "li", {}, `${arrow} ${edge.kind.replaceAll("_", " ")}${said}: `,
    button(state.nodes.get(other).label, () => act.jump(other), { className: "hk-link" }),
  );
}

// The chosen node in words, with what may be done from it.
export function details(state, badges, act) {
  const node = state.nodes.get(state.selected);
  const card = made("aside", { className: "hk-lineage-details", ariaLabel: "What is selected" });
  if (!node) {
    card.append(made("p", { className: "hk-nothing", textContent: "Select a box to see what it is." }));
    return card;
  }
  const edges = state.data.edges.filter((edge) => [edge.src, edge.dst].includes(node.id));
  const links = [[node.href, "Open its page"], [!node.hidden && state.data.graphs && `${state.data.graphs}${node.id}/`, "Its own lineage"]]
    .filter(([href]) => href).map(([href, text]) => made("a", { href, textContent: text, className: "hk-link" }));
  card.append(
    made("small", { textContent: node.kind }),
    made("h4", { textContent: node.hidden ? "Hidden: you do not see its project" : node.label }),
    made("p", { className: "hk-lineage-links" }, ...links),
    made(
      "div", { className: "hk-lineage-acts" },
      button("Focus here", () => { state.focusOn(node.id, state.depth === Infinity ? 2 : 0); act.changed(); }),
      ...sideButtons(state, node.id, badges, act),
    ),
    made("ul", {}, ...edges.slice(0, EDGES_LISTED).map((edge) => relation(state, edge, node.id, act))),
  );
  if (edges.length > EDGES_LISTED) {
    card.append(made("p", { className: "hk-nothing", textContent: `and ${edges.length - EDGES_LISTED} more` }));
  }
  return card;
}
