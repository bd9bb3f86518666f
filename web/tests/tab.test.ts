import { afterEach, describe, expect, it, vi } from 'vitest'
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

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

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

  it.each([['reload', true], ['navigate', false]])('is waited for longer after a reload than in a copy: %s', async (type, kept) => {
    const request = (_: string, { signal }: { signal: AbortSignal }, then: () => unknown) => new Promise((_done, fail) => {
      setTimeout(() => void (signal.aborted || then()), 900) // a busy PC: the old document takes its time
      signal.addEventListener('abort', () => fail(signal.reason))
    })
    vi.stubGlobal('navigator', { locks: { request } })
    vi.spyOn(performance, 'getEntriesByType').mockReturnValue([{ type }] as unknown as PerformanceEntryList)
    expect(await browserHold('tab')).toBe(kept)
  })

  it('without Web Locks the tabs ask each other', async () => {
    const id = crypto.randomUUID()
    expect(await browserHold(id)).toBe(true)
    expect(await browserHold(id)).toBe(false)
    expect(await browserHold(crypto.randomUUID())).toBe(true)
  })
})
