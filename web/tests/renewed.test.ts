import { afterEach, describe, expect, it, vi } from 'vitest'
import '../src/pages/terminal/renewed'

afterEach(() => vi.restoreAllMocks())

/** Does the open page load itself anew when one of its parts is gone and the server answers like this? */
async function reloads(answer: () => Promise<Response>): Promise<boolean> {
  const open = document.createElement('script')
  open.setAttribute('src', '/assets/terminal-old.js')
  open.type = 'module'
  vi.spyOn(document, 'querySelector').mockReturnValue(open)
  vi.spyOn(globalThis, 'fetch').mockImplementation(answer)
  const reload = vi.spyOn(location, 'reload').mockReturnValue(undefined)
  dispatchEvent(new Event('vite:preloadError'))
  await new Promise((done) => setTimeout(done, 5))
  return reload.mock.calls.length === 1
}
const page = (script: string) => () => Promise.resolve(new Response(`<script type="module" src="/assets/${script}"></script>`))

describe('a part of the page is gone', () => {
  it('because the server was renewed: the page is opened anew', async () => {
    expect(await reloads(page('terminal-new.js'))).toBe(true)
  })

  it('for another reason: the page stays, again and again opening it would help nobody', async () => {
    expect(await reloads(page('terminal-old.js'))).toBe(false)
    expect(await reloads(() => Promise.reject(new TypeError('no line')))).toBe(false)
    expect(await reloads(() => Promise.resolve(new Response('', { status: 502 })))).toBe(false)
  })
})
