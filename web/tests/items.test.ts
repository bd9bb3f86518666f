import { afterEach, describe, expect, it, vi } from 'vitest'
import { effectScope, type EffectScope } from 'vue'
import { useItemSearch, type ItemSearch } from '../src/kit/items'

let held: { q: string; answer: (codes: string[]) => void }[] = []
let scope: EffectScope | undefined
function searching(): ItemSearch {
  vi.stubGlobal('fetch', (url: string | URL) => new Promise((go) => {
    const q = new URL(String(url), 'http://county.example').searchParams.get('q') ?? ''
    const answer = (codes: string[]): void =>
      go(new Response(JSON.stringify({ items: codes.map((code) => ({ code })), total: codes.length, next: null }), { headers: { 'content-type': 'application/json' } }))
    held.push({ q, answer })
  }))
  scope = effectScope()
  return scope.run(() => useItemSearch(20))!
}
const settled = (): Promise<void> => new Promise((go) => setTimeout(go, 20))
afterEach(() => {
  scope?.stop()
  vi.unstubAllGlobals()
  held = []
})

describe('the first hit, by Enter', () => {
  it('is that of the words which stand there, not of those the last answer was for', async () => {
    const search = searching()
    search.q.value = '老年'
    const old = search.first()
    held[0]!.answer(['elder-card'])
    expect((await old)?.code).toBe('elder-card')

    search.q.value = '宅基地'
    const hit = search.first() // before the pause after which one searches by oneself
    await settled()
    expect(held.map((one) => one.q)).toEqual(['老年', '宅基地'])
    held[1]!.answer(['homestead'])
    expect((await hit)?.code).toBe('homestead')
  })

  it('is nothing when one has typed on, or has emptied the box', async () => {
    const search = searching()
    search.q.value = '老'
    const hit = search.first()
    search.q.value = '老年'
    held[0]!.answer(['elder-care'])
    expect(await hit).toBe(null)
    search.q.value = ''
    expect(await search.first()).toBe(null)
    expect(search.found.value).toBe(null)
  })
})
