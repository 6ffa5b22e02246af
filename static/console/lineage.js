// Draws a lineage that stays readable at a thousand points. No request, no inline code.
import { element, picture, placed } from "./lineage/picture.js";
import { State } from "./lineage/state.js";
import { details, tools } from "./lineage/tools.js";
import { View, controls, follow, keyed } from "./lineage/view.js";

// State and view outlive a redraw (another theme, another width, a refreshed page).
const kept = new Map();

class Lineage {
  constructor(holder, data, t) {
    this.key = `${window.location.pathname} ${holder.dataset.source}`;
    const before = kept.get(this.key);
    Object.assign(this, { holder, t, font: getComputedStyle(document.body).fontFamily });
    this.state = new State(data, before?.state);
    this.seen = before?.seen;
    this.act = { jump: (id) => this.jump(id), changed: () => this.redraw() };
    holder.classList.add("hk-lineage-box");
    holder.classList.toggle("hk-lineage-full", Boolean(data.full));
    this.draw();
  }

  keep() {
    kept.set(this.key, { state: this.state.kept(), seen: this.seen });
  }

  // Another part of the graph is another picture: it stands where its focus is.
  redraw(center = this.state.selected) {
    const hadKeys = this.holder.contains(document.activeElement)
      && this.holder.querySelector("svg").contains(document.activeElement);
    this.seen = undefined;
    this.draw();
    const at = center && this.graph.node(center);
    if (at) this.view.reveal(at);
    if (hadKeys) this.boxOf(this.state.selected)?.focus({ preventScroll: true });
  }

  draw() {
    const { state, holder, t, font } = this;
    this.what = state.visible();
    this.graph = placed(this.what);
    const size = this.graph.graph();
    const svg = element(
      "svg", { width: "100%", class: "hk-lineage", "font-family": font, role: "group" },
      ...picture(this.what, this.graph, { t, font, state }),
    );
    svg.setAttribute("aria-label", `${this.what.boxes.length} boxes; arrow keys walk along the lines`);
    const stage = Object.assign(document.createElement("div"), { className: "hk-lineage-stage" });
    stage.append(svg);
    const top = state.data.full ? [tools(state, t, this.act)] : [];
    holder.replaceChildren(...top, stage, this.hint());
    this.view = new View(svg, {
      size, full: state.data.full, kept: this.seen,
      focus: this.graph.node(state.focus) || { x: size.width, y: size.height / 2 },
      told: (seen) => { this.seen = seen; this.keep(); },
    });
    stage.append(controls(this.view));
    follow(svg, this.view);
    this.listen(svg);
    if (state.data.full) this.select(state.selected, { quiet: true });
  }

  hint() {
    const hint = Object.assign(document.createElement("p"), { className: "hk-lineage-hint" });
    const [shown, all] = [this.state.shown.size, this.state.nodes.size];
    const part = shown < all ? `${shown} of ${all} shown; a count opens what is behind it. ` : "";
    hint.textContent = `${part}Drag to move, scroll to zoom.`;
    return hint;
  }

  listen(svg) {
    svg.addEventListener("click", (event) => this.chosen(event.target));
    svg.addEventListener("keydown", (event) => {
      if (keyed(this.view, event) || this.walked(event)) event.preventDefault();
    });
  }

  chosen(target) {
    const badge = target.closest("[data-badge]");
    if (badge) {
      this.state.expand(badge.dataset.badge, badge.dataset.way);
      if (this.state.data.full) this.state.selected = badge.dataset.badge;
      this.redraw(badge.dataset.badge);
      return true;
    }
    const id = target.closest("[data-box]")?.dataset.box;
    const box = this.what.boxes.find((one) => one.id === id);
    if (!box) return false;
    if (box.folded) {
      this.state.toggleKind(box.kind);
      this.redraw();
    } else if (this.state.data.full) this.select(id);
    return this.state.data.full || box.folded;
  }

  boxOf(id) {
    return [...this.holder.querySelectorAll("[data-box]")].find((one) => one.dataset.box === id);
  }

  select(id, { quiet = false } = {}) {
    const { state, holder } = this;
    state.selected = id;
    holder.querySelectorAll("[data-box]").forEach((one) => {
      const chosen = one.dataset.box === id;
      one.classList.toggle("hk-chosen", chosen);
      one.setAttribute("tabindex", chosen ? "0" : "-1");
    });
    if (!holder.querySelector('[data-box][tabindex="0"]')) {
      holder.querySelector("[data-box]")?.setAttribute("tabindex", "0");
    }
    holder.querySelector(".hk-lineage-details")?.remove();
    holder.querySelector(".hk-lineage-stage").after(details(state, this.what.badges, this.act));
    if (!quiet) this.boxOf(id)?.focus({ preventScroll: true });
    this.keep();
  }

  // To a node wherever it is: shown already, or as the new focus.
  jump(id) {
    const there = this.graph.node(id);
    if (!there) {
      this.state.folded.delete(this.state.nodes.get(id).kind);
      this.state.focusOn(id);
      this.redraw(id);
    }
    this.select(id);
    this.view.center(this.graph.node(id));
  }

  // Arrows walk: left and right along a line, up and down within a column.
  walked(event) {
    const id = document.activeElement?.dataset?.box;
    if (["Enter", " "].includes(event.key)) return this.chosen(document.activeElement);
    if (!id || !this.state.data.full) return false;
    const next = this.beside(id, event.key);
    if (!next) return false;
    this.select(next);
    this.view.reveal(this.graph.node(next));
    return true;
  }

  beside(id, key) {
    const at = this.graph.node(id);
    const others = { ArrowLeft: "predecessors", ArrowRight: "successors" }[key];
    const far = (other) => Math.hypot(this.graph.node(other).x - at.x, this.graph.node(other).y - at.y);
    const side = { ArrowUp: -1, ArrowDown: 1 }[key];
    let candidates = [];
    if (others) candidates = this.graph[others](id);
    else if (side) {
      candidates = this.graph.nodes().filter((other) => (this.graph.node(other).y - at.y) * side > 1
        && Math.abs(this.graph.node(other).x - at.x) < 60);
    }
    return candidates.sort((a, b) => far(a) - far(b))[0];
  }
}

// data: {nodes: [{id, kind, label, hidden, href}], edges: [{src, dst, kind, label}], focus, full, graphs}
export function drawLineage(holder, data, t) {
  holder.lineage = new Lineage(holder, data, t);
}
