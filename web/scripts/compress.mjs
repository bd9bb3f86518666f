// Brotli and gzip copies beside every built file, so that the server only has to choose one;
// prints what each page loads at once and in all.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const pages = fileURLToPath(new URL('../../villagecall/http/pages/', import.meta.url))
const size = new Map()

for (const entry of readdirSync(pages, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(html|js|css|svg|json|webmanifest)$/.test(entry.name)) continue
  const path = join(entry.parentPath, entry.name)
  const bytes = readFileSync(path)
  const gz = gzipSync(bytes, { level: 9 })
  const br = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  })
  writeFileSync(`${path}.gz`, gz)
  writeFileSync(`${path}.br`, br)
  size.set(entry.name, { gz: gz.length, br: br.length })
}

const named = (text) => [...text.matchAll(/[\w.-]+\.js/g)].map((found) => found[0]).filter((name) => size.has(name))
for (const page of ['public', 'terminal', 'second', 'desk', 'admin']) {
  const first = new Set(named(readFileSync(join(pages, `${page}.html`), 'utf8')))
  const all = new Set(first)
  for (const name of all) for (const next of named(readFileSync(join(pages, 'assets', name), 'utf8'))) all.add(next)
  const sum = (names, kind) => ([...names].reduce((total, name) => total + size.get(name)[kind], 0) / 1000).toFixed(1)
  console.log(
    `${page.padEnd(9)} script at once ${sum(first, 'gz')} kB gz (${sum(first, 'br')} br), in all ${sum(all, 'gz')} kB gz`,
  )
}
