// Builds the styles, scripts, icons and the font of the pages into src/clearline/web/built: hashed names, compressed.
// The manifest is written last: whoever reads it finds every file that it names.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { icons } from "./src/icons.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "src", "clearline", "web", "built");
const compressible = /\.(css|js|svg)$/;

/** Returns a sprite with one <symbol> for each icon: those of Lucide, and our own as a string of shapes. */
async function sprite() {
  const symbols = await Promise.all(
    Object.entries(icons).map(async ([name, shapes]) => {
      const source = shapes ?? (await readFile(join(here, "node_modules/lucide-static/icons", `${name}.svg`), "utf8"));
      const inner = source.replace(/<!--[^]*?-->|<svg[^>]*>|<\/svg>/g, "").replace(/\s+/g, " ").trim();
      return `<symbol id="${name}" viewBox="0 0 24 24">${inner}</symbol>`;
    }),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
}

/** Returns the files of the bundle as [logical name, file name, content]. */
async function bundle() {
  const result = await build({
    absWorkingDir: here,
    entryPoints: ["console", "portal", "docs"].flatMap((name) => [`src/${name}.js`, `src/${name}.css`]),
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    target: ["chrome123", "firefox120", "safari17.5"],
    legalComments: "none",
    outdir: "out",
    entryNames: "[name].[hash]",
    assetNames: "[name].[hash]",
    loader: { ".woff2": "file" },
    logLevel: "warning",
  });
  return result.outputFiles.map(({ path, contents }) => {
    const file = basename(path);
    return [file.replace(/\.[A-Z0-9]{8}(?=\.\w+$)/, ""), file, Buffer.from(contents)];
  });
}

const svg = Buffer.from(await sprite());
const hash = createHash("sha256").update(svg).digest("hex").slice(0, 8).toUpperCase();
const files = [...(await bundle()), ["icons.svg", `icons.${hash}.svg`, svg]];

await mkdir(target, { recursive: true });
await rm(join(target, "manifest.json"), { force: true });
const kept = new Set();
for (const [, file, content] of files) {
  const forms = [[file, content]];
  if (compressible.test(file)) {
    const size = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    forms.push([`${file}.br`, brotliCompressSync(content, { params: size })]);
    forms.push([`${file}.gz`, gzipSync(content, { level: 9 })]);
  }
  for (const [name, bytes] of forms) {
    kept.add(name);
    await writeFile(join(target, name), bytes);
  }
}
for (const name of await readdir(target)) {
  if (!kept.has(name)) await rm(join(target, name));
}
const manifest = Object.fromEntries(files.map(([name, file]) => [name, file]).sort());
await writeFile(join(target, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
