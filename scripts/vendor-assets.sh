#!/bin/sh
# Renews web/static/vendor from the exact npm packages of package-lock.json.
# For maintainers: building and running Drawbridge needs neither Node nor npm.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cp "$root/package.json" "$root/package-lock.json" "$temp/"
(cd "$temp" && npm ci --ignore-scripts --no-audit --no-fund)
node "$root/scripts/vendor-assets.mjs" "$temp" "$root/web/static/vendor"
