// Owns making an example of docs/embedding.md run: `node example.mjs react|vue FILE`, the module on standard output.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { compileScript, parse } from "vue/compiler-sfc";

const [framework, file] = process.argv.slice(2);
const source = readFileSync(file, "utf8");
const resolveDir = fileURLToPath(new URL(".", import.meta.url));
const mounts = {
  react: 'import { createElement } from "react"; import { createRoot } from "react-dom/client"; import Tasks from "example";' +
    'createRoot(document.querySelector("main")).render(createElement(Tasks));',
  vue: 'import { createApp } from "vue"; import Tasks from "example"; createApp(Tasks).mount("main");',
};
const compiled = framework === "vue" ? compileScript(parse(source).descriptor, { id: "example", inlineTemplate: true }).content : source;

const { outputFiles } = await build({
  stdin: { contents: mounts[framework], resolveDir },
  bundle: true, format: "esm", write: false, jsx: "automatic", logLevel: "silent",
  define: { "process.env.NODE_ENV": '"production"', __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false" },
  plugins: [{
    name: "example",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^example$/ }, () => ({ path: "example", namespace: "example" }));
      onResolve({ filter: /^https?:/ }, ({ path }) => ({ path, external: true }));
      onLoad({ filter: /.*/, namespace: "example" }, () => ({ contents: compiled, loader: "jsx", resolveDir }));
    },
  }],
});
process.stdout.write(outputFiles[0].text);
