// Bundles the pages' scripts and styles into the directory given as the only argument, under hashed names,
// and writes manifest.json: the name without hash -> the name with it.
import { build } from "esbuild";
import * as tokens from "@fluentui/tokens";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

const out = process.argv[2];
if (!out) throw new Error("usage: node build.mjs OUTPUT_DIRECTORY");

// Teams' own three looks, as the custom properties that Fluent's components and our sheet read.
const { teamsLightTheme: light, teamsDarkTheme: dark, teamsHighContrastTheme: contrast } = tokens;

function themes(used) {
  const rules = (theme, base) =>
    Object.entries(theme)
      .filter(([name, value]) => used.has(name) && base?.[name] !== value)
      .map(([name, value]) => `--${name}:${value}`)
      .join(";");
  const sheets = { dark: rules(dark, light), contrast: rules(contrast, light) };
  const auto = ":root:not([data-theme])";
  return [
    `:root{color-scheme:light;${rules(light)}}`,
    `@media (prefers-color-scheme:dark){${auto}{color-scheme:dark;${sheets.dark}}}`,
    `@media (prefers-contrast:more){${auto}{color-scheme:dark;${sheets.contrast}}}`,
    `[data-theme=dark]{color-scheme:dark;${sheets.dark}}`,
    `[data-theme=contrast]{color-scheme:dark;${sheets.contrast}}`,
  ].join("\n");
}

async function keep(manifest, name, text) {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 12);
  const hashed = name.replace(/(\.\w+)$/, `-${hash}$1`);
  await writeFile(join(out, hashed), text);
  manifest[name] = hashed;
}

const bundled = await build({
  entryPoints: ["src/floor.js", "src/floor.css"],
  bundle: true,
  minify: true,
  write: false,
  outdir: "out",
  target: ["es2022", "chrome111", "firefox114", "safari16.4"],
  legalComments: "none",
  logLevel: "warning",
});

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const manifest = {};
const texts = Object.fromEntries(bundled.outputFiles.map((file) => [basename(file.path), file.text]));
const used = new Set(Object.values(texts).flatMap((text) => [...text.matchAll(/--([a-zA-Z0-9]+)/g)].map((m) => m[1])));
texts["floor.css"] = `${themes(used)}\n${texts["floor.css"]}`;
texts["logo.svg"] = await readFile("src/logo.svg", "utf8");
for (const [name, text] of Object.entries(texts)) await keep(manifest, name, text);

// The licences of what the bundle contains travel with it.
const parts = ["htmx.org", "@fluentui/web-components", "@fluentui/tokens", "@microsoft/fast-element", "@swc/helpers", "tslib"];
const notices = await Promise.all(
  parts.map(async (part) => {
    const about = JSON.parse(await readFile(join("node_modules", part, "package.json"), "utf8"));
    const names = ["LICENSE", "LICENSE.txt", "LICENSE.md"];
    let text = `Licence: ${about.license}`;
    for (const name of names) {
      text = await readFile(join("node_modules", part, name), "utf8").catch(() => text);
    }
    return `${part} ${about.version}\n\n${text.trim()}\n`;
  }),
);
await writeFile(join(out, "NOTICES.txt"), notices.join("\n----\n\n"));
await writeFile(join(out, "manifest.json"), JSON.stringify(manifest, null, 2));
