#!/usr/bin/env bash
# Everything: lint, the pages' tests, then every Python test with the real components and real browsers.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:$PWD/.venv/node:/usr/sbin"
began=$(date +%s)
step() { echo "== $1 ($(($(date +%s) - began)) s)"; }

step "lint"
bash tools/lint.sh
if [ -f web/package.json ]; then
  step "pages: types and tests"
  (cd web && npm run --silent typecheck && npm run --silent test)
fi
workers=$(nproc)
[ "$workers" -gt 3 ] && workers=3
step "tests"
.venv/bin/python -m pytest -n "$workers" --dist loadgroup -q --ignore=tests/journeys --durations=10 "$@"
if [ -d tests/journeys ]; then
  step "journeys in a real browser"
  # Two at a time: a journey waits more than it works. Files stay together, so that each shares one county.
  .venv/bin/python -m pytest -n 2 --dist loadfile -q tests/journeys --durations=5 "$@"
fi
step "done"
