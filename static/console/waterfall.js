// Where a gain came from: steps that add up, each with who is credited.
// data: {metric, unit, total, steps: [{baseline, candidate, delta, shown, state, credits: [text]}]}
// A bar hangs where the one before it ended; a step without a number leaves a gap that says why.
export function waterfall(data, t, { tooltip, axis, nameAtAxis, escaped }) {
  let reached = 0;
  const places = data.steps.map((step) => {
    const from = reached;
    reached += step.delta ?? 0;
    return { from, to: reached, low: Math.min(from, reached) };
  });
  const labels = [...data.steps.map((step) => step.candidate.split(" ").pop()), "sum"];
  const heights = places.map(({ from, to }) => Math.abs(to - from));
  const bars = data.steps.map((step, at) => ({
    value: heights[at], step,
    itemStyle: { color: step.delta < 0 ? t.danger : t.success, borderRadius: 3 },
    label: { show: true, position: "top", color: t.text, fontSize: 11,
      formatter: step.delta === null ? step.shown : step.shown.split(" ").slice(0, 2).join(" ") },
  }));
  const told = (step) => [
    `${escaped(step.baseline)} → ${escaped(step.candidate)}`, `<b>${escaped(step.shown)}</b>`,
    ...step.credits.slice(0, 8).map(escaped), ...(step.credits.length > 8 ? ["…"] : []),
  ].join("<br>");
  return {
    grid: { left: 8, right: 16, top: 44, bottom: 28, containLabel: true },
    tooltip: tooltip(t, {
      trigger: "item",
      formatter: ({ data: { step } }) => (step ? told(step) : `sum of the steps <b>${escaped(data.total)}</b>`),
    }),
    xAxis: axis(t, {
      type: "category", data: labels, name: "to version", nameLocation: "middle", nameGap: 26,
      splitLine: { show: false },
    }),
    yAxis: axis(t, { type: "value", boundaryGap: ["0%", "12%"], name: `gain in ${data.unit}`, ...nameAtAxis(t) }),
    series: [
      { type: "bar", stack: "gain", silent: true, itemStyle: { color: "transparent" }, barMaxWidth: 56,
        data: [...places.map(({ low }) => low), 0] },
      { type: "bar", stack: "gain", barMaxWidth: 56, labelLayout: { hideOverlap: true }, data: [...bars, {
        value: reached, itemStyle: { color: t.accent, borderRadius: 3 },
        label: { show: true, position: "top", color: t.text, fontSize: 11, fontWeight: "bold", formatter: data.total },
      }] },
      { type: "line", silent: true, symbol: "none", step: "middle", tooltip: { show: false },
        lineStyle: { color: t.quiet, width: 1, type: "dashed" }, data: places.map(({ to }) => to) },
    ],
  };
}
