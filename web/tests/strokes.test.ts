import { describe, expect, it } from 'vitest'
import { isSigned, pathOf } from '../src/rate/strokes'

const line = (n: number) => Array.from({ length: n }, (_, x) => ({ x: x * 10, y: 100 }))

describe('a signature', () => {
  it('is path data of moves and lines, which the server accepts as such', () => {
    expect(pathOf([line(3), [{ x: 5, y: 6 }]])).toBe('M0 100L10 100L20 100M5 6L6 6')
  })

  it('drops points that say nothing new', () => {
    expect(pathOf([[{ x: 0, y: 0 }, { x: 1, y: 1 }, { x: 2, y: 2 }, { x: 9, y: 9 }]])).toBe('M0 0L2 2L9 9')
  })

  it('never grows over what the server takes', () => {
    expect(pathOf([Array.from({ length: 60_000 }, (_, n) => ({ x: (n * 37) % 1000, y: (n * 53) % 400 }))]).length).toBeLessThanOrEqual(200_000)
  })

  it('is more than a slip of the hand', () => {
    expect(isSigned([line(3)])).toBe(false)
    expect(isSigned([line(10), line(12)])).toBe(true)
    expect(isSigned([])).toBe(false)
  })
})
