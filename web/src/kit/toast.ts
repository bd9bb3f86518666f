// Short notes at the lower left. Instead of "are you sure": the thing is done after a while, or undone.
import { shallowReactive } from 'vue'

export interface Toast {
  id: number
  text: string
  tone: 'info' | 'good' | 'stop'
  undo?: () => void
}
export const toasts = shallowReactive<Toast[]>([])
let next = 1

function drop(id: number): boolean {
  const at = toasts.findIndex((toast) => toast.id === id)
  if (at >= 0) toasts.splice(at, 1)
  return at >= 0
}

export function toast(text: string, tone: Toast['tone'] = 'info', ms = 5000): void {
  const id = next++
  toasts.push({ id, text, tone })
  setTimeout(() => drop(id), ms)
}

/**
 * Say that something is being done and do it in `ms`, unless it is undone first.
 * `hide` shows it as done at once, `show` puts it back. Leaving the page does it.
 */
export function toastUndo(text: string, act: { hide: () => void; show: () => void; commit: () => void }, ms = 6000): void {
  const id = next++
  let settled = false
  const settle = (then: () => void): void => {
    if (settled) return
    settled = true
    clearTimeout(timer)
    removeEventListener('pagehide', leave)
    drop(id)
    then()
  }
  const leave = (): void => settle(act.commit)
  const timer = setTimeout(leave, ms)
  addEventListener('pagehide', leave)
  act.hide()
  toasts.push({ id, text, tone: 'info', undo: () => settle(act.show) })
}
