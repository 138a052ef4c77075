// Copies the few files that the pages use out of node_modules and writes
// VENDOR.json, which a Go test compares with the files.
// Usage: node vendor-assets.mjs <folder with node_modules> <vendor folder>
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const wanted = {
  "basecoat-css": { folder: "basecoat", files: { "dist/basecoat.cdn.min.css": "basecoat.min.css", "LICENSE.md": "LICENSE" } },
  "htmx.org": {
    folder: "htmx",
    files: { "dist/htmx.min.js": "htmx.min.js", "dist/ext/hx-sse.min.js": "hx-sse.min.js", LICENSE: "LICENSE" },
  },
  "swagger-ui-dist": {
    folder: "swagger-ui",
    files: { "swagger-ui.css": "swagger-ui.css", "swagger-ui-bundle.js": "swagger-ui-bundle.js", LICENSE: "LICENSE", NOTICE: "NOTICE" },
  },
};

const [source, target] = process.argv.slice(2);
const lock = JSON.parse(readFileSync(join(source, "package-lock.json"), "utf8"));
rmSync(target, { recursive: true, force: true });

const packages = Object.entries(wanted).map(([name, { folder, files }]) => {
  const locked = lock.packages[`node_modules/${name}`];
  const copies = Object.entries(files).map(([from, to]) => {
    const path = `${folder}/${to}`;
    mkdirSync(dirname(join(target, path)), { recursive: true });
    cpSync(join(source, "node_modules", name, from), join(target, path));
    const digest = createHash("sha384").update(readFileSync(join(target, path))).digest("base64");
    return { path, from, sha384: `sha384-${digest}` };
  });
  return { name, version: locked.version, license: locked.license, integrity: locked.integrity, files: copies };
});
writeFileSync(join(target, "VENDOR.json"), JSON.stringify({ packages }, null, 2) + "\n");
