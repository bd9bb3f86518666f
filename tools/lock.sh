#!/usr/bin/env bash
# Writes requirements.lock (exact versions with hashes, no addresses) from pyproject.toml.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python -m pip install -q uv
.venv/bin/uv pip compile pyproject.toml --extra terminal --group dev --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
if grep -nE 'https?://' requirements.lock; then
  echo "lock: an address stands in the lock file" >&2
  exit 1
fi
