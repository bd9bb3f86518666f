import { describe, expect, it } from 'vitest'
import { browserHold, claimTab } from '../src/call/tab'

/** Tabs of one browser: an id is held by one of them; sessionStorage belongs to each. */
function browser() {
  const held = new Set<string>()
  const tab = (copied: Record<string, string> = {}) => {
    const stored = { ...copied }
    return {
      stored,
      world: {
        storage: { getItem: (key: string) => stored[key] ?? null, setItem: (key: string, value: string) => void (stored[key] = value) },
        hold: (id: string) => Promise.resolve(held.has(id) ? false : Boolean(held.add(id))),
      },
    }
  }
  return { held, tab }
}

describe('the id of a tab', () => {
  it('survives a reload', async () => {
    const { held, tab } = browser()
    const one = tab()
    const id = await claimTab(one.world)
    held.delete(id) // the document is gone, its storage stays
    expect(await claimTab(one.world)).toBe(id)
  })

  it('is another one in a duplicated tab, which has a copy of the storage', async () => {
    const { tab } = browser()
    const one = tab()
    const id = await claimTab(one.world)
    const copy = tab(one.stored)
    const other = await claimTab(copy.world)
    expect(other).not.toBe(id)
    expect(copy.stored['vc.tab']).toBe(other)
  })

  it('without Web Locks the tabs ask each other', async () => {
    const id = crypto.randomUUID()
    expect(await browserHold(id)).toBe(true)
    expect(await browserHold(id)).toBe(false)
    expect(await browserHold(crypto.randomUUID())).toBe(true)
  })
})
