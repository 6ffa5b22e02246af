// Lines over time: {labels: [text], unit, series: [{name, tone, values: [number or null]}]}.
// A missing value leaves a gap: nothing was asked then.
export function lines(data, t, { tooltip, axis, nameAtAxis, escaped }) {
  const told = ({ marker, seriesName, value }) =>
    `${marker}${escaped(seriesName)} <b>${value ?? "—"}</b> ${escaped(data.unit)}`;
  return {
    grid: { left: 8, right: 16, top: 36, bottom: 4, containLabel: true },
    legend: { top: 0, right: 0, textStyle: { color: t.text } },
    tooltip: tooltip(t, {
      trigger: "axis",
      formatter: (hits) => [escaped(hits[0].axisValue), ...hits.map(told)].join("<br>"),
    }),
    xAxis: axis(t, { type: "category", data: data.labels, boundaryGap: false, splitLine: { show: false } }),
    yAxis: axis(t, { type: "value", min: 0, name: data.unit, ...nameAtAxis(t) }),
    series: data.series.map((one) => ({
      type: "line", name: one.name, data: one.values, connectNulls: false, symbol: "circle",
      symbolSize: 5, showSymbol: true, lineStyle: { width: 2, color: t[one.tone] || t.accent },
      itemStyle: { color: t[one.tone] || t.accent },
    })),
  };
}
