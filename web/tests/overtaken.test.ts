import { afterEach, describe, expect, it, vi } from 'vitest'
import { effectScope, type EffectScope } from 'vue'

/** Answers of a server, each held back until it is let go. */
function slowServer(): (path: string) => Promise<void> {
  const held = new Map<string, () => void>()
  vi.stubGlobal('WebSocket', class { addEventListener(): void {} close(): void {} send(): void {} })
  vi.stubGlobal('fetch', (url: string | URL) => {
    const path = new URL(String(url), 'http://county.example').pathname
    const id = path.split('/').at(-1)
    const body = path.includes('/cases/')
      ? { case: { case_id: id, item: 'card', item_version: 1, seq: 3, pages: [], prints: [], materials: [], actions: [], state: 'submitted' } }
      : { item: { code: id, version: 1 } }
    return new Promise((answer) => held.set(path, () => answer(new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } }))))
  })
  return async (path) => {
    held.get(path)!()
    await new Promise((go) => setTimeout(go, 20))
  }
}
let scope: EffectScope | undefined
afterEach(() => {
  scope?.stop()
  scope = undefined
  vi.unstubAllGlobals()
})

describe('a case that was left while it was being fetched', () => {
  it('never comes up at the terminal in the place of the one opened after it', async () => {
    const answers = slowServer()
    const store = await import('../src/pages/terminal/store')
    void store.openCase('first')
    void store.openCase('second')
    await answers('/api/v1/cases/second')
    await answers('/api/v1/items/card')
    expect(store.kase.value?.case_id).toBe('second')
    await answers('/api/v1/cases/first')
    await answers('/api/v1/items/card')
    expect(store.kase.value?.case_id).toBe('second')
    store.closeCase()
  })

  it('never comes up at the desk in the place of the one opened after it', async () => {
    const answers = slowServer()
    const { useDesk } = await import('../src/pages/desk/desk')
    scope = effectScope()
    const desk = scope.run(() => useDesk())!
    void desk.open('first')
    void desk.open('second')
    await answers('/api/v1/cases/second')
    await answers('/api/v1/cases/first')
    expect(desk.view.value?.case_id).toBe('second')
    desk.take({ ...desk.view.value!, case_id: 'first', seq: 9 })
    expect(desk.view.value?.case_id).toBe('second')
  })
})
