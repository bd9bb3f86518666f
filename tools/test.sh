#!/usr/bin/env bash
# Everything: every Python test with the real components and real browsers; lint, types and the pages' tests beside them.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:$PWD/.venv/node:/usr/sbin"
began=$(date +%s)
step() { echo "== $1 ($(($(date +%s) - began)) s)"; }
failed=0
heard=$(mktemp)
trap 'rm -f "$heard"' EXIT

# What needs no running program takes what the tests leave of the processors, and is heard when they are done.
beside() {
  bash tools/lint.sh || return 1
  if [ -f web/package.json ]; then (cd web && npm run --silent typecheck && npm run --silent test); fi
}
export -f beside
nice -n 15 bash -c beside >"$heard" 2>&1 &
aside=$!

workers=$(nproc)
[ "$workers" -gt 3 ] && workers=3
step "tests"
# Files stay together, so that a server or a page read for a whole file is there once; in the order of tests/conftest.py.
.venv/bin/python -m pytest -n "$workers" --dist loadfile --no-loadscope-reorder -q --ignore=tests/journeys --durations=10 "$@" || failed=1
if [ -d tests/journeys ]; then
  step "journeys in a real browser"
  # Two at a time: a journey waits more than it works. Files stay together here too: each shares one county.
  .venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q tests/journeys --durations=5 "$@" || failed=1
fi
step "lint, types and the pages' tests, which ran beside"
wait "$aside" || failed=1
cat "$heard"
step "done"
exit "$failed"
