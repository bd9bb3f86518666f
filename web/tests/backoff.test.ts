import { expect, it } from 'vitest'
import { backoff } from '../src/call/backoff'

it('doubles from half a second to fifteen, never longer', () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 50].map((tries) => backoff(tries, () => 0))
  expect(longest).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000])
})

it('is shortened by at most half, so that terminals spread out and still come back soon', () => {
  expect(backoff(3, () => 0.999)).toBeGreaterThanOrEqual(2000)
  expect(backoff(3, () => 0.5)).toBe(3000)
})
