// Draws the console's charts from the JSON beside them. No request, no inline code.
import { drawLineage } from "./lineage.js";
import { lines } from "./lines.js";
import { waterfall } from "./waterfall.js";

const TONES = {
  light: {
    text: "#475569", quiet: "#94a3b8", line: "#e2e8f0", ground: "#ffffff", strong: "#0f172a",
    accent: "#3b56d9", success: "#16a34a", danger: "#dc2626", warning: "#d97706", info: "#0ea5e9",
  },
  dark: {
    text: "#cbd5e1", quiet: "#64748b", line: "#2b3547", ground: "#111827", strong: "#f1f5f9",
    accent: "#7f95ff", success: "#4ade80", danger: "#f87171", warning: "#fbbf24", info: "#38bdf8",
  },
};
const STAGE_TONE = { production: "success", staging: "warning", development: "info", archived: "quiet" };

const tones = () => TONES[document.documentElement.classList.contains("dark") ? "dark" : "light"];
// Tooltips are HTML, and names of metrics and classes come from whoever registered the model.
const escaped = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
const short = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

function tooltip(t, extra) {
  return {
    backgroundColor: t.ground, borderColor: t.line, textStyle: { color: t.text, fontSize: 12 },
    confine: true, ...extra,
  };
}

function axis(t, extra) {
  return {
    axisLine: { show: true, lineStyle: { color: t.line } },
    axisTick: { show: true, lineStyle: { color: t.line } },
    axisLabel: { color: t.text, fontSize: 11 },
    splitLine: { lineStyle: { color: t.line } },
    nameTextStyle: { color: t.quiet, fontSize: 11 },
    ...extra,
  };
}

function nameAtAxis(t) {
  return { nameGap: 14, nameTextStyle: { color: t.quiet, fontSize: 11, align: "left" } };
}

// data: {labels: [text], series: [{name, tone, values: [number]}], unit, stacked}
function columns(data, t) {
  return {
    grid: { left: 8, right: 12, top: 36, bottom: 4, containLabel: true },
    tooltip: tooltip(t, { trigger: "axis" }),
    legend: data.series.length > 1 ? { top: 0, right: 0, textStyle: { color: t.text } } : undefined,
    xAxis: axis(t, { type: "category", data: data.labels, splitLine: { show: false } }),
    yAxis: axis(t, { type: "value", name: data.unit, minInterval: 1, ...nameAtAxis(t) }),
    series: data.series.map((one) => ({
      type: "bar", name: one.name, data: one.values, barMaxWidth: 26,
      stack: data.stacked ? "all" : undefined,
      itemStyle: { color: t[one.tone] || t.accent, borderRadius: [3, 3, 0, 0] },
    })),
  };
}

// data: {labels, values, unit}; the first is the largest
function ranking(data, t) {
  const labels = [...data.labels].reverse();
  const values = [...data.values].reverse();
  return {
    grid: { left: 8, right: 56, top: 8, bottom: 28, containLabel: true },
    tooltip: tooltip(t, { trigger: "item" }),
    xAxis: axis(t, { type: "value", name: data.unit, nameLocation: "middle", nameGap: 24 }),
    yAxis: axis(t, {
      type: "category", data: labels,
      axisLabel: { color: t.text, fontSize: 11, formatter: (text) => short(text, 20) },
    }),
    series: [{
      type: "bar", data: values, barMaxWidth: 20,
      itemStyle: { color: t.accent, borderRadius: [0, 3, 3, 0] },
      label: { show: true, position: "right", color: t.text, fontSize: 11 },
    }],
  };
}

// data: {metric, unit, points: [{label, score, stage}]}
function history(data, t) {
  return {
    grid: { left: 8, right: 16, top: 36, bottom: 28, containLabel: true },
    tooltip: tooltip(t, {
      trigger: "axis",
      formatter: ([hit]) => {
        const point = data.points[hit.dataIndex];
        return `${escaped(point.label)}<br>${escaped(data.metric)} <b>${point.score}</b><br>stage ${escaped(point.stage)}`;
      },
    }),
    xAxis: axis(t, {
      type: "category", data: data.points.map((point) => point.label), name: "version",
      nameLocation: "middle", nameGap: 26, splitLine: { show: false },
    }),
    yAxis: axis(t, { type: "value", scale: true, name: data.unit, ...nameAtAxis(t) }),
    series: [{
      type: "line", lineStyle: { color: t.accent, width: 2 }, symbol: "circle", symbolSize: 9,
      data: data.points.map((point) => ({
        value: point.score, itemStyle: { color: t[STAGE_TONE[point.stage]] || t.accent },
      })),
    }],
  };
}

// data: {metric, unit, most, points: [{label, score, verdict, shown}]}
function measured(data, t) {
  const verdicts = { accepted: "success", refused: "danger", baseline: "info" };
  const labels = data.points.map((point) => point.label);
  const dots = Object.entries(verdicts).map(([verdict, tone]) => ({
    type: "scatter", name: verdict, symbolSize: 13, z: 3,
    itemStyle: { color: t[tone], borderColor: t.ground, borderWidth: 2 },
    label: { show: labels.length <= 12, position: "top", color: t.text, fontSize: 11,
      formatter: ({ data: hit }) => hit.point.shown },
    data: data.points.filter((point) => point.verdict === verdict)
      .map((point) => ({ value: [point.label, point.score], point })),
  })).filter((one) => one.data.length);
  return {
    grid: { left: 8, right: 16, top: 44, bottom: 28, containLabel: true },
    legend: { top: 0, right: 0, textStyle: { color: t.text }, data: dots.map((one) => one.name) },
    tooltip: tooltip(t, {
      trigger: "item",
      formatter: ({ data: { point } }) =>
        `${escaped(point.label)}<br>${escaped(data.metric)} <b>${escaped(point.shown)}</b><br>${escaped(point.verdict)}`,
    }),
    xAxis: axis(t, {
      type: "category", data: labels, name: "version", nameLocation: "middle", nameGap: 26,
      splitLine: { show: false },
    }),
    yAxis: axis(t, {
      type: "value", scale: true, boundaryGap: ["10%", "25%"], max: data.most ?? undefined, name: data.unit, ...nameAtAxis(t),
    }),
    series: [{
      type: "line", silent: true, symbol: "none", tooltip: { show: false },
      lineStyle: { color: t.quiet, width: 1.5, type: "dashed" },
      data: data.points.map((point) => point.score),
    }, ...dots],
  };
}

// data: {low, delta, high, margin, minimum, unit}; low and high may be null
function interval(data, t) {
  const known = [data.low, data.delta, data.high, data.margin, data.minimum, 0]
    .filter((value) => value !== null && value !== undefined);
  const span = Math.max(...known) - Math.min(...known) || 1;
  const round = (value, to) => to(value * 2) / 2;
  const mark = (value, name, tone, distance) => ({
    xAxis: value,
    label: { formatter: name, color: t[tone], fontSize: 11, position: "end", distance },
    lineStyle: { color: t[tone], type: "dashed" },
  });
  const draw = (params, api) => {
    const [low, high] = [api.coord([data.low, 0]), api.coord([data.high, 0])];
    const cap = (x) => ({
      type: "line", shape: { x1: x, y1: low[1] - 9, x2: x, y2: low[1] + 9 },
      style: { stroke: t.accent, lineWidth: 2 },
    });
    return { type: "group", children: [
      { type: "line", shape: { x1: low[0], y1: low[1], x2: high[0], y2: low[1] },
        style: { stroke: t.accent, lineWidth: 3 } },
      cap(low[0]), cap(high[0]),
    ] };
  };
  const bars = data.low === null || data.high === null ? [] : [
    { type: "custom", renderItem: draw, data: [[data.delta, 0]], silent: true },
  ];
  return {
    grid: { left: 24, right: 24, top: 44, bottom: 30, containLabel: true },
    tooltip: tooltip(t, { trigger: "item" }),
    xAxis: axis(t, {
      type: "value", name: `gain in ${data.unit}`, nameLocation: "middle", nameGap: 26,
      min: span < 1 ? undefined : round(Math.min(...known) - span * 0.1, Math.floor),
      max: span < 1 ? undefined : round(Math.max(...known) + span * 0.1, Math.ceil),
    }),
    yAxis: { type: "category", data: [""], axisLine: { show: false }, axisTick: { show: false } },
    series: [...bars, {
      type: "scatter", data: [[data.delta, 0]], symbolSize: 15, z: 5,
      itemStyle: { color: t.accent, borderColor: t.ground, borderWidth: 2 },
      tooltip: { formatter: `observed ${data.delta} ${escaped(data.unit)}` },
      markLine: { symbol: "none", silent: true, animation: false, data: [
        mark(data.margin, `margin ${data.margin}`, "quiet", 4),
        mark(data.minimum, `minimum gain ${data.minimum}`, "warning", 18),
      ].filter((one) => one.xAxis !== null) },
    }],
  };
}

// data: {unit, wanted, series: [{name, points: [[gain, percent found]]}]}
function power(data, t) {
  const shades = [t.info, t.accent, t.warning];
  return {
    grid: { left: 8, right: 20, top: 44, bottom: 30, containLabel: true },
    legend: { type: "scroll", top: 0, left: 0, right: 0, textStyle: { color: t.text, fontSize: 11 } },
    tooltip: tooltip(t, {
      trigger: "item",
      formatter: ({ seriesName, value: [gain, found] }) =>
        `${escaped(seriesName)}<br>a true gain of <b>${gain}</b> ${escaped(data.unit)}<br>is found in <b>${Math.round(found)} %</b> of tries`,
    }),
    xAxis: axis(t, { type: "value", name: `true gain in ${data.unit}`, nameLocation: "middle", nameGap: 26, min: 0 }),
    yAxis: axis(t, { type: "value", name: "found in % of tries", min: 0, max: 100, ...nameAtAxis(t) }),
    series: data.series.map((one, index) => ({
      type: "line", name: one.name, data: one.points, symbolSize: 7, smooth: 0.2,
      lineStyle: { color: shades[index % shades.length], width: 2 },
      itemStyle: { color: shades[index % shades.length] },
      markLine: index ? undefined : {
        symbol: "none", silent: true, animation: false,
        data: [{ yAxis: data.wanted }], lineStyle: { color: t.quiet, type: "dashed" },
        label: { formatter: `${data.wanted} %`, color: t.quiet, fontSize: 11, position: "insideEndTop" },
      },
    })),
  };
}

// data: {labels, counts: [[number]]}: rows are the true label, columns the predicted one
function confusion(data, t) {
  const cells = data.counts.flatMap((row, y) => row.map((count, x) => [x, y, count]));
  const most = Math.max(1, ...cells.map((cell) => cell[2]));
  const names = { type: "category", splitLine: { show: false }, splitArea: { show: false } };
  return {
    grid: { left: 24, right: 8, top: 8, bottom: 28, containLabel: true },
    tooltip: tooltip(t, {
      formatter: ({ value: [x, y, count] }) =>
        `true ${escaped(data.labels[y])}<br>predicted ${escaped(data.labels[x])}<br><b>${count}</b> rows`,
    }),
    xAxis: axis(t, { ...names, data: data.labels, name: "predicted", nameLocation: "middle", nameGap: 24 }),
    yAxis: axis(t, { ...names, data: data.labels, inverse: true, name: "true", nameLocation: "middle", nameGap: 30 }),
    visualMap: { show: false, min: 0, max: most, inRange: { color: [t.ground, t.accent] } },
    series: [{
      type: "heatmap", data: cells, itemStyle: { borderColor: t.line, borderWidth: 1 },
      label: { show: data.labels.length <= 12, color: t.strong, fontSize: 11 },
    }],
  };
}

const AXIS_PX = 84;
// Lines of many runs, told apart by colour.
const LINES = ["#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#06b6d4", "#ec4899", "#84cc16", "#f97316", "#14b8a6"];

function legendOf(names, t) {
  return names.length < 2 ? undefined : {
    type: "scroll", top: 0, left: 0, right: 0, data: names, textStyle: { color: t.text, fontSize: 11 },
    formatter: (name) => short(name, 24), pageTextStyle: { color: t.text },
    pageIconColor: t.text, pageIconInactiveColor: t.line,
  };
}

// Names may repeat; a series is found by its name.
function distinct(names) {
  const seen = new Map();
  return names.map((name) => {
    const count = (seen.get(name) || 0) + 1;
    seen.set(name, count);
    return count > 1 ? `${name} (${count})` : name;
  });
}

// data: {metric, lines: [{name, place, points: [[step, value]]}]}; a run has its place's colour
function curves(data, t) {
  const names = distinct(data.lines.map((line) => line.name));
  return {
    color: data.lines.map((line) => LINES[line.place % LINES.length]),
    grid: { left: 8, right: 16, top: names.length < 2 ? 12 : 36, bottom: 26, containLabel: true },
    legend: legendOf(names, t),
    tooltip: tooltip(t, {
      trigger: "axis",
      formatter: (hits) => [`step ${hits[0].value[0]}`, ...hits.map((hit) =>
        `${hit.marker}${escaped(short(hit.seriesName, 40))} <b>${hit.value[1]}</b>`)].join("<br>"),
    }),
    xAxis: axis(t, {
      type: "value", name: "step", nameLocation: "middle", nameGap: 24, minInterval: 1,
      min: "dataMin", max: "dataMax", splitLine: { show: false },
    }),
    yAxis: axis(t, { type: "value", scale: true }),
    series: data.lines.map((line, index) => ({
      type: "line", name: names[index], data: line.points, symbol: "circle", symbolSize: 5,
      showSymbol: line.points.length <= 30, lineStyle: { width: 2 },
    })),
  };
}

// data: {axes: [{name, names: [text], values: [number or null]}], lines: [text]}
function parallel(data, t) {
  const shown = (column, value) =>
    (column.names.length ? column.names[value] : String(Number(value.toPrecision(6))));
  const columns = data.axes.map((one) => {
    const known = one.values.filter((value) => value !== null);
    return { ...one, low: Math.min(...known), high: Math.max(...known) };
  });
  const place = ({ low, high }, value) => (high > low ? (value - low) / (high - low) : 0.5);
  const labels = distinct(columns.map((column) => column.name));
  const names = distinct(data.lines);
  const ends = columns.map((column) => [
    short(shown(column, column.high), 14), short(shown(column, column.low), 14),
  ]);
  return {
    color: LINES,
    grid: { left: 48, right: 48, top: names.length < 2 ? 28 : 56, bottom: 8, containLabel: true },
    legend: legendOf(names, t),
    tooltip: tooltip(t, {
      trigger: "item",
      formatter: ({ marker, seriesName, seriesIndex }) => [
        `${marker}${escaped(short(seriesName, 40))}`,
        ...columns.map((column) => {
          const value = column.values[seriesIndex];
          const text = value === null ? "—" : short(shown(column, value), 40);
          return `${escaped(short(column.name, 30))} <b>${escaped(text)}</b>`;
        }),
      ].join("<br>"),
    }),
    xAxis: [
      axis(t, {
        type: "category", data: labels, boundaryGap: false, axisTick: { show: false },
        splitLine: { show: true, interval: 0, lineStyle: { color: t.quiet } },
        axisLabel: {
          color: t.text, fontSize: 11, interval: 0, lineHeight: 15,
          formatter: (name, index) => `${ends[index][1]}\n${short(name, 16)}`,
        },
      }),
      axis(t, {
        type: "category", data: labels, boundaryGap: false, position: "top",
        axisLine: { show: false }, axisTick: { show: false }, splitLine: { show: false },
        axisLabel: { color: t.text, fontSize: 11, interval: 0, formatter: (name, index) => ends[index][0] },
      }),
    ],
    yAxis: { type: "value", min: 0, max: 1, show: false },
    series: names.map((name, index) => ({
      type: "line", name, symbol: "circle", symbolSize: 8, lineStyle: { width: 2 },
      emphasis: { focus: "series" },
      data: columns.map((column) => {
        const value = column.values[index];
        return value === null ? null : place(column, value);
      }),
    })),
  };
}

// data: {unit, lines: [{label, low, value, high, paid, shown}]}; low and high may be null
function intervals(data, t) {
  const lines = [...data.lines].reverse();
  const tone = (line) => (line.paid ? t.accent : t.quiet);
  const draw = (params, api) => {
    const line = lines[params.dataIndex];
    if (line.low === null || line.high === null) return { type: "group", children: [] };
    const [low, high] = [line.low, line.high].map((end) => api.coord([end, params.dataIndex]));
    const style = { stroke: tone(line), lineWidth: 2 };
    const cap = ([x, y]) => ({ type: "line", shape: { x1: x, y1: y - 6, x2: x, y2: y + 6 }, style });
    return { type: "group", children: [
      { type: "line", shape: { x1: low[0], y1: low[1], x2: high[0], y2: high[1] }, style },
      cap(low), cap(high),
    ] };
  };
  const ends = lines.flatMap((line) => [line.low ?? line.value, line.high ?? line.value]);
  const room = (Math.max(0, ...ends) - Math.min(0, ...ends) || 1) * 0.08;
  return {
    grid: { left: 8, right: 24, top: 12, bottom: 34, containLabel: true },
    tooltip: tooltip(t, {
      trigger: "item",
      formatter: ({ dataIndex }) => `${escaped(lines[dataIndex].label)}<br><b>${escaped(lines[dataIndex].shown)}</b>`,
    }),
    xAxis: axis(t, {
      type: "value", name: data.unit, nameLocation: "middle", nameGap: 26,
      min: Math.min(0, ...ends) - room, max: Math.max(0, ...ends) + room,
      axisLabel: { color: t.text, fontSize: 11, formatter: (value) => `${Math.round(value * 100) / 100}` },
    }),
    yAxis: axis(t, {
      type: "category", data: lines.map((line) => line.label),
      axisLabel: { color: t.text, fontSize: 11, formatter: (text) => short(text, 18) },
    }),
    series: [
      { type: "custom", renderItem: draw, data: lines.map((line, place) => [line.value, place]), silent: true },
      {
        type: "scatter", symbolSize: 12, z: 5,
        data: lines.map((line, place) => ({
          value: [line.value, place],
          itemStyle: { color: tone(line), borderColor: t.ground, borderWidth: 2 },
        })),
        markLine: { symbol: "none", silent: true, animation: false, data: [
          { xAxis: 0, label: { show: false }, lineStyle: { color: t.text, type: "dashed" } },
        ] },
      },
    ],
  };
}

const KINDS = {
  waterfall: (data, t) => waterfall(data, t, { tooltip, axis, nameAtAxis, escaped }),
  lines: (data, t) => lines(data, t, { tooltip, axis, nameAtAxis, escaped }),
  curves, parallel, columns, ranking, history, measured, interval, intervals, confusion, power,
};

// A page that only grew longer is not drawn again: that would end a tooltip or a selection.
const drawn = new WeakMap();
function unchanged(holder) {
  const [before, now] = [drawn.get(holder), { t: tones(), width: holder.offsetWidth }];
  drawn.set(holder, now);
  return before?.t === now.t && before.width === now.width;
}

function draw(holder) {
  const source = document.getElementById(holder.dataset.source);
  if (!source || unchanged(holder)) return;
  const data = JSON.parse(source.textContent);
  if (holder.dataset.chart === "lineage") {
    drawLineage(holder, data, tones());
    return;
  }
  const kind = KINDS[holder.dataset.chart];
  if (!kind) return;
  window.echarts.getInstanceByDom(holder)?.dispose();
  // Many axes beside each other: narrow screens scroll.
  if (data.axes) holder.style.minWidth = `${data.axes.length * AXIS_PX}px`;
  const option = kind(data, tones());
  const chart = window.echarts.init(holder, null, { renderer: "svg" });
  const { fontFamily } = getComputedStyle(document.body);
  chart.setOption({
    animation: false, backgroundColor: "transparent", textStyle: { fontFamily }, ...option,
  });
  chart.on("click", ({ data }) => { if (data?.href) window.location.assign(data.href); });
}

function drawAll() {
  document.querySelectorAll("[data-chart]").forEach(draw);
}

drawAll();
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["class"] });
let resizing;
new ResizeObserver(() => {
  clearTimeout(resizing);
  resizing = setTimeout(drawAll, 120);
}).observe(document.body);
document.addEventListener("htmx:afterSwap", drawAll);
