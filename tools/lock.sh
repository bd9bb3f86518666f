#!/usr/bin/env bash
# Writes requirements.lock (exact versions with hashes) from pyproject.toml, requirements-app.lock (of these what the
# image needs to run) and web/package-lock.json from web/package.json. No lock file names an address: where packages come from is the installer's own setting.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python -m pip install -q uv
locked() {
  .venv/bin/uv pip compile pyproject.toml "$@" --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-header -q
}
locked --extra terminal --group dev -o requirements.lock
locked --constraint requirements.lock -o requirements-app.lock
# Node as tools/pages.sh puts it there, where the machine has none.
(cd web && PATH="$PATH:$PWD/../.venv/node" npm install --package-lock-only --ignore-scripts --loglevel=error)
.venv/bin/python - <<'P'
import json
import pathlib

file = pathlib.Path("web/package-lock.json")
lock = json.loads(file.read_text(encoding="utf-8"))
for package in lock["packages"].values():
    for key in ("funding", "resolved"):
        package.pop(key, None)
file.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
P
if grep -nE '[a-z]+://' requirements*.lock web/package-lock.json; then
  echo "lock: an address stands in a lock file" >&2
  exit 1
fi
