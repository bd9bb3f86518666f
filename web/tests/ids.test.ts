import { describe, expect, it } from 'vitest'
import { uuid7 } from '../src/kit/ids'

describe('uuid7', () => {
  it('is a version 7 UUID of the RFC 9562 variant that carries the time', () => {
    const at = Date.UTC(2040, 0, 2)
    const id = uuid7(at)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(at)
  })

  it('stays in order within one millisecond and when the clock goes back', () => {
    const at = Date.UTC(2041, 0, 2)
    const ids = Array.from({ length: 6000 }, (_, n) => uuid7(at - (n % 7)))
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
