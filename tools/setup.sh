#!/usr/bin/env bash
# Makes .venv and builds the pages on a fresh machine. Safe to run again: does only what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

# Debian's packages: what the demonstration and the tests run for real.
packages=(chromium redis-server cups cups-client cups-filters poppler-utils fonts-noto-cjk fonts-lxgw-wenkai ffmpeg iproute2)
commands=(chromium redis-server cupsd lp "" pdfsig "" "" ffmpeg ip)
wanted=()
for at in "${!packages[@]}"; do
  command="${commands[$at]}"
  if [ -n "$command" ]; then
    PATH="$PATH:/usr/sbin" command -v "$command" >/dev/null || wanted+=("${packages[$at]}")
  else
    dpkg -s "${packages[$at]}" >/dev/null 2>&1 || wanted+=("${packages[$at]}")
  fi
done
if ! command -v postgres >/dev/null && ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then
  wanted+=(postgresql)
fi
# Debian's own Python comes without what makes a .venv.
if [ ! -x .venv/bin/python ] && ! "${PY:-python3}" -c 'import ensurepip' 2>/dev/null; then
  wanted+=(python3-venv)
fi
if [ "${#wanted[@]}" -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "setup: Debian packages ${wanted[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null
    # policy-rc.d: nothing that is installed here starts by itself.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
      chmod +x /usr/sbin/policy-rc.d
      trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
  else
    echo "setup: not root, so these Debian packages are not added: ${wanted[*]}; going on without them" >&2
  fi
fi

PY="${PY:-python3}"
"$PY" - <<'P' || { echo "setup: needs Python 3.11 or newer" >&2; exit 2; }
import sys
sys.exit(sys.version_info < (3, 11))
P
# Where Node is at hand the pages need nothing of Python: they are built while pip unpacks.
pages=""
if command -v node >/dev/null && command -v npm >/dev/null; then
  bash tools/pages.sh &
  pages=$!
fi
stamp=".venv/.locked"
if [ ! -x .venv/bin/python ]; then "$PY" -m venv .venv; fi
if ! cmp -s requirements.lock "$stamp" 2>/dev/null; then
  echo "setup: Python packages" >&2
  # Python compiles what is imported when it is; compiling everything would take a third of the time.
  # The lock is complete, and leaves out on purpose what pyproject.toml excludes: hence --no-deps.
  .venv/bin/python -m pip install -q --no-compile --no-deps --disable-pip-version-check --require-hashes -r requirements.lock
  cp requirements.lock "$stamp"
fi

if [ -n "$pages" ]; then wait "$pages"; else bash tools/pages.sh; fi

if ! .venv/bin/python -c 'import importlib.metadata as m; m.distribution("villagecall")' 2>/dev/null || [ pyproject.toml -nt .venv/.installed ]; then
  .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps -e .
  touch .venv/.installed
fi

# Certificates need a TrueType font of Chinese. Debian's package has one; else a package of PyPI carries one.
if ! .venv/bin/python -c 'from villagecall import fonts; fonts.face()' 2>/dev/null; then
  echo "setup: a Chinese font from PyPI" >&2
  .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements-fonts.lock
fi
