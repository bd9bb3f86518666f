import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, reactive } from 'vue'
import { readDraft, sweepDrafts, useDraft } from '../src/kit/drafts'
import { toasts, toastUndo } from '../src/kit/toast'

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 22) })
  localStorage.clear()
})
afterEach(() => vi.useRealTimers())

function form() {
  const scope = effectScope()
  const typed = reactive({ name: '', met: [] as number[] })
  const draft = scope.run(() => useDraft('intake.1', () => ({ ...typed })))!
  return { scope, typed, draft }
}

describe('drafts', () => {
  it('are kept within a second of the last key, deep changes too', async () => {
    const { scope, typed } = form()
    typed.name = '李'
    await nextTick()
    typed.met.push(2)
    await vi.advanceTimersByTimeAsync(1000)
    expect(readDraft('intake.1')).toEqual({ name: '李', met: [2] })
    scope.stop()
  })

  it('leaving the page at once keeps the last key too', async () => {
    const { scope, typed } = form()
    typed.name = '李桂芳'
    await nextTick()
    dispatchEvent(new Event('pagehide'))
    expect(readDraft('intake.1')).toMatchObject({ name: '李桂芳' })
    scope.stop()
  })

  it('dropped ones stay away: nothing personal is left once the server has it', async () => {
    const { scope, typed, draft } = form()
    typed.name = '李桂芳'
    await nextTick()
    draft.drop()
    scope.stop()
    await vi.advanceTimersByTimeAsync(5000)
    expect(localStorage.length).toBe(0)
  })

  it('are forgotten after a day, and all of them at sign-out', async () => {
    const { scope, typed } = form()
    typed.name = '王'
    await nextTick()
    await vi.advanceTimersByTimeAsync(1000)
    scope.stop()
    localStorage.setItem('vc.lang', 'zh')
    vi.setSystemTime(Date.now() + 25 * 3_600_000)
    expect(readDraft('intake.1')).toBeNull()
    sweepDrafts(true)
    expect(Object.keys(localStorage)).toEqual(['vc.lang'])
  })
})

describe('undo instead of "are you sure"', () => {
  const act = () => ({ hide: vi.fn(), show: vi.fn(), commit: vi.fn() })

  it('is done after six seconds', async () => {
    const did = act()
    toastUndo('删除', did)
    expect(did.hide).toHaveBeenCalledOnce()
    await vi.advanceTimersByTimeAsync(6000)
    expect([did.commit.mock.calls.length, did.show.mock.calls.length, toasts.length]).toEqual([1, 0, 0])
  })

  it('or undone, and then never done', async () => {
    const did = act()
    toastUndo('删除', did)
    toasts.at(-1)!.undo!()
    await vi.advanceTimersByTimeAsync(10_000)
    expect([did.commit.mock.calls.length, did.show.mock.calls.length]).toEqual([0, 1])
  })

  it('leaving the page does it, once', async () => {
    const did = act()
    toastUndo('删除', did)
    dispatchEvent(new Event('pagehide'))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(did.commit).toHaveBeenCalledOnce()
  })
})
