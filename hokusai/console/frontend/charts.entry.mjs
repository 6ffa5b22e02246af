// The parts of ECharts that the console draws with; everything else stays out of the bundle.
import * as core from "echarts/core";
import { BarChart, CustomChart, GraphChart, HeatmapChart, LineChart, ScatterChart } from "echarts/charts";
import {
  AriaComponent,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

core.use([
  AriaComponent, BarChart, CustomChart, DataZoomComponent, GraphChart, GridComponent, HeatmapChart,
  LegendComponent, LineChart, MarkLineComponent, ScatterChart, SVGRenderer, TooltipComponent,
  VisualMapComponent,
]);
export const { init, getInstanceByDom } = core;
