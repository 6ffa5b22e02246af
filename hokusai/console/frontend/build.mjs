// Builds static/vendor from the locked packages and copies their licences beside them.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import path from "node:path";

const here = path.dirname(fileURLToPath(import.meta.url));
const vendor = path.resolve(here, "../../../static/vendor");
const modules = path.join(here, "node_modules");

async function copy(from, to) {
  await mkdir(path.dirname(path.join(vendor, to)), { recursive: true });
  await copyFile(path.join(modules, from), path.join(vendor, to));
}

await build({
  entryPoints: [path.join(here, "charts.entry.mjs")],
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "echarts",
  target: "es2020",
  legalComments: "inline",
  define: { "process.env.NODE_ENV": '"production"' },
  outfile: path.join(vendor, "echarts/echarts.min.js"),
});
await copy("echarts/LICENSE", "echarts/LICENSE");
await copy("echarts/NOTICE", "echarts/NOTICE");
await copy("zrender/LICENSE", "echarts/LICENSE.zrender");
await copy("tslib/LICENSE.txt", "echarts/LICENSE.tslib");
await copy("@dagrejs/dagre/dist/dagre.min.js.LEGAL.txt", "dagre/dagre.min.js.LEGAL.txt");
// Hashed static files refuse a reference to a source map that is not there.
const dagre = await readFile(path.join(modules, "@dagrejs/dagre/dist/dagre.min.js"), "utf8");
await writeFile(
  path.join(vendor, "dagre/dagre.min.js"),
  dagre.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n"),
);
await copy("@dagrejs/dagre/LICENSE", "dagre/LICENSE");
