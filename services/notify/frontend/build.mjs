// Owns making the modules that are served from their sources; `--check` fails when what is kept differs.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import { minify } from "terser";

const LIMIT_BYTES = 15 * 1024;
const here = fileURLToPath(new URL(".", import.meta.url));
const target = `${here}../src/milepost_notify/static/`;
const names = { "milepost.js": "src/milepost.js", "milepost-core.js": "src/milepost-core.js", "milepost-details.js": "src/milepost-details.js", "milepost-filters.js": "src/milepost-filters.js", "milepost-ko.js": "src/milepost-ko.js", "milepost-results.js": "src/milepost-results.js", "page.js": "src/page/main.js", "operators.js": "src/operators/main.js" };

/** Of every source, so that a test without Node sees that something was changed and not built. */
const sources = readdirSync(`${here}src`, { recursive: true }).map((name) => name.replaceAll("\\", "/")).filter((name) => /\.(js|css)$/.test(name)).sort();
const digest = createHash("sha256");
for (const name of sources) digest.update(`${name}\0`).update(readFileSync(`${here}src/${name}`)).update("\0");
const banner = `/* Milepost, Apache-2.0, sources ${digest.digest("hex").slice(0, 16)} */\n`;

const plugin = {
  name: "milepost",
  setup({ onResolve, onLoad }) {
    // The page has the elements from where everybody has them; details come when they are asked for.
    onResolve({ filter: /^milepost$/ }, () => ({ path: "/milepost.js", external: true }));
    onResolve({ filter: /\/milepost-\w+\.js$/ }, ({ kind, path }) => (kind === "dynamic-import" ? { path: path.replace("..", "."), external: true } : undefined));
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true, target: "es2022" });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

let wrong = 0;
for (const [name, entry] of Object.entries(names)) {
  const { outputFiles } = await build({
    entryPoints: [here + entry], bundle: true, minify: true, format: "esm", target: "es2022", charset: "utf8",
    write: false, legalComments: "none", plugins: [plugin],
  });
  // What esbuild leaves terser makes a twentieth smaller.
  const { code = "" } = await minify(outputFiles[0].text, { module: true, ecma: 2020, compress: { passes: 3 } });
  const made = banner + code;
  const bytes = gzipSync(made, { level: 9 }).length;
  console.log(`${name.padEnd(22)}${String(bytes).padStart(6)} bytes gzipped`);
  if (name === "milepost.js" && bytes >= LIMIT_BYTES) {
    console.error(`${name} is larger than ${LIMIT_BYTES} bytes`);
    wrong = 1;
  }
  if (!process.argv.includes("--check")) writeFileSync(target + name, made);
  else {
    let kept = "";
    try {
      kept = readFileSync(target + name, "utf8");
    } catch {}
    if (kept !== made) {
      console.error(`${name} is not what its sources make: run npm run build in services/notify/frontend`);
      wrong = 1;
    }
  }
}
process.exit(wrong);
