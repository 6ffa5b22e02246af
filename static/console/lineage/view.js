// The part of a drawing that is seen: moved by dragging, wheel, buttons and keys.
import { BOX } from "./picture.js";

// Below SMALLEST nobody reads the names; HEIGHT is in pixels of the page.
const SCALE = { smallest: 0.62, readable: 0.85, fitted: 1.1, largest: 2.5, step: 1.25 };
const HEIGHT = { least: 170, most: 560, fullLeast: 340, fullPart: 0.68 };
const STEP = 80;

const within = (value, low, high) => Math.min(Math.max(value, low), high);

// The whole graph where that is readable; else as much as is, around the focus.
function whole(size, focus, page) {
  const room = { width: page.width, height: page.height || HEIGHT.most };
  const fits = Math.min(room.width / size.width, room.height / size.height);
  const scale = fits < SCALE.smallest ? SCALE.readable : Math.min(fits, SCALE.fitted);
  const height = page.height || within(size.height * scale, HEIGHT.least, HEIGHT.most);
  const start = (length, at, seen) =>
    length <= seen + 1 ? (length - seen) / 2 : within(at - seen / 2, 0, length - seen);
  return {
    scale, height, fits,
    x: start(size.width, focus.x, page.width / scale),
    y: start(size.height, focus.y, height / scale),
  };
}

export class View {
  // kept: where an earlier drawing of the same graph stood; told: called with each new place.
  constructor(svg, { size, focus, full, kept, told }) {
    Object.assign(this, { svg, size, told, width: svg.parentElement.clientWidth });
    const height = full
      ? Math.max(HEIGHT.fullLeast, Math.round(window.innerHeight * HEIGHT.fullPart)) : 0;
    this.first = whole(size, focus, { width: this.width, height });
    svg.setAttribute("height", this.first.height);
    this.at = kept?.width === this.width ? kept.at : { ...this.first };
    this.show();
  }

  show() {
    const { x, y, scale } = this.at;
    const [width, height] = [this.width / scale, this.first.height / scale];
    this.svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
    this.told({ width: this.width, at: this.at });
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

  center(point) {
    const scale = Math.max(this.at.scale, SCALE.smallest);
    this.at = {
      scale,
      x: point.x - this.width / scale / 2,
      y: point.y - this.first.height / scale / 2,
    };
    this.show();
  }

  // Moves only where a point is out of sight: keys walk from box to box.
  reveal(point) {
    const { x, y, scale } = this.at;
    const inside = point.x - BOX.width / 2 >= x && point.x + BOX.width / 2 <= x + this.width / scale
      && point.y - BOX.height / 2 >= y && point.y + BOX.height / 2 <= y + this.first.height / scale;
    if (!inside) this.center(point);
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

// Buttons over the drawing.
export function controls(view) {
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
  return bar;
}

const KEYS = {
  "+": (view) => view.zoom(SCALE.step), "=": (view) => view.zoom(SCALE.step),
  "-": (view) => view.zoom(1 / SCALE.step), 0: (view) => view.fit(),
};
const SHIFTED = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };

// Whether a key moved the view: + and − zoom, 0 fits, Shift with an arrow moves.
export function keyed(view, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.shiftKey && SHIFTED[event.key]) view.move(...SHIFTED[event.key]);
  else if (KEYS[event.key]) KEYS[event.key](view);
  else return false;
  return true;
}

export function follow(svg, view) {
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
    if (held?.moved) {
      event.preventDefault();
      event.stopPropagation();
    }
    held = null;
  }, { capture: true });
  svg.addEventListener("dragstart", (event) => event.preventDefault());
}
