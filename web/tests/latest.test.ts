import { describe, expect, it } from 'vitest'
import { latest } from '../src/kit/latest'

describe('an answer that was overtaken', () => {
  it('is not wanted any more once somebody has asked again', () => {
    const turns = latest()
    const first = turns()
    expect(first()).toBe(true)
    const second = turns()
    expect([first(), second()]).toEqual([false, true])
  })

  it('does not count what is asked elsewhere', () => {
    const here = latest()()
    latest()()
    expect(here()).toBe(true)
  })
})
