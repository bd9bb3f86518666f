#!/usr/bin/env bash
# What is checked without running the program: format, lint, types, floors, length of files.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/ruff format --check --quiet villagecall tests bench
.venv/bin/ruff check --quiet villagecall tests bench
.venv/bin/mypy --no-error-summary
.venv/bin/lint-imports --no-logo >/tmp/villagecall-floors.$$ 2>&1 || { cat /tmp/villagecall-floors.$$; rm -f /tmp/villagecall-floors.$$; exit 1; }
rm -f /tmp/villagecall-floors.$$
long=$(git ls-files '*.py' '*.ts' '*.vue' '*.css' '*.sh' | while read -r file; do
  [ -f "$file" ] && lines=$(wc -l <"$file") && [ "$lines" -gt 400 ] && echo "$file: $lines lines"
done || true)
if [ -n "$long" ]; then echo "over 400 lines:"; echo "$long"; exit 1; fi
