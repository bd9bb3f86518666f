"""The anchor of the pages: the smallest Vue 3 application, built with the same tools, served the same way.

One text box that answers typing, nothing else: what any page made with Vue must load and do at least.
``python -m bench._bare_vue FOLDER PORT`` serves a folder as ``villagecall.http.system`` serves ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop
from aiohttp import web

from tests.journeys.county import free_port

ROOT = Path(__file__).parent.parent
_MAIN = """
import { createApp, h, ref } from 'vue'
createApp({
  setup() {
    const q = ref('')
    return () => [
      h('input', { 'data-test': 'box', value: q.value, onInput: (event) => (q.value = event.target.value) }),
      q.value && h('p', { 'data-test': 'answer' }, q.value),
    ]
  },
}).mount('#app')
"""
_PAGE = (
    '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8" /><title>bare</title>'
    '<script type="module" src="/main.js"></script></head><body><div id="app"></div></body></html>'
)
_BUILD = """
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { build } from 'vite'
await build({
  root: import.meta.dirname, configFile: false, logLevel: 'error',
  define: {
    __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
  },
  build: { target: 'es2022', modulePreload: { polyfill: false }, reportCompressedSize: false },
})
for (const entry of readdirSync(import.meta.dirname + '/dist', { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue
  const path = entry.parentPath + '/' + entry.name
  const bytes = readFileSync(path)
  writeFileSync(path + '.gz', gzipSync(bytes, { level: 9 }))
  writeFileSync(path + '.br', brotliCompressSync(bytes))
}
"""


def build(folder: Path) -> Path:
    """Builds the page below ``folder``; gives the folder to serve."""
    (folder / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    for name, text in {"main.js": _MAIN, "index.html": _PAGE, "build.mjs": _BUILD}.items():
        (folder / name).write_text(text, encoding="utf-8")
    search = os.pathsep.join([os.environ.get("PATH", ""), str(ROOT / ".venv" / "node")])
    node = shutil.which("node", path=search)
    if node is None:
        raise RuntimeError("Node is missing: tools/pages.sh brings it")
    subprocess.run([node, "build.mjs"], cwd=folder, check=True, timeout=120)
    return folder / "dist"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server process for ``folder``."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench._bare_vue", str(folder), str(port)], cwd=ROOT)
    try:
        url = f"http://localhost:{port}"
        for _ in range(200):
            try:
                urllib.request.urlopen(url, timeout=2).close()
                break
            except OSError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def main(folder: Path, port: int) -> None:
    async def page(request: web.Request) -> web.FileResponse:
        headers = {"Cache-Control": "no-cache", "Content-Type": "text/html; charset=utf-8"}
        return web.FileResponse(folder / "index.html", headers=headers)

    async def asset(request: web.Request) -> web.FileResponse:
        path = folder / "assets" / request.match_info["name"]
        return web.FileResponse(path, headers={"Content-Type": "text/javascript", "Cache-Control": "max-age=31536000"})

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/assets/{name}", asset)
    web.run_app(app, host="localhost", port=port, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
