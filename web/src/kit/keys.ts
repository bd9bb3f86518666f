// Every key of the pages in one registry. Keys belong to buttons (see KButton): pressing one is a click,
// so a key never does what its button would not do now.
import { onScopeDispose, shallowReactive } from 'vue'

export interface Key {
  /** As on the keyboard: `F2`, `Enter`, `Escape`, `/`, `A`, `ArrowLeft`, `+`, `Ctrl+S`. */
  key: string
  label: () => string
  press: () => void
}

const keys = shallowReactive<Key[]>([])

const TYPING = 'input:not([type=checkbox],[type=radio],[type=button],[type=file]),textarea,select,[contenteditable]'
/** A form takes Enter for itself: who searches does not answer the call that begins to ring. */
const PRESSED_BY_ENTER = 'form,button,a[href],textarea,select,summary,[contenteditable]'

/** The name of a pressed key as the registry spells it. */
export function nameOf(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'altKey' | 'metaKey'>): string {
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key
  return `${event.ctrlKey || event.metaKey ? 'Ctrl+' : ''}${event.altKey ? 'Alt+' : ''}${key}`
}

function meantForField(name: string, target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false
  if (name === 'Enter') return target.closest(PRESSED_BY_ENTER) !== null
  if (/^F\d+$|^Escape$|^(Ctrl|Alt)\+/.test(name)) return false
  return target.closest(TYPING) !== null
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.repeat && event.key === 'Enter') return
  if (event.target instanceof Element && event.target.closest('dialog')) return // it has the keyboard, Escape closes it
  const name = nameOf(event)
  if (meantForField(name, event.target)) return
  // The newest comes first: what opened last (a panel) has the keyboard.
  const found = keys.findLast((entry) => entry.key.toUpperCase() === name.toUpperCase())
  if (!found) return
  event.preventDefault()
  found.press()
}
addEventListener('keydown', onKey)

/** Register a key until the component is gone (or the returned function is called). */
export function useKey(entry: Key): () => void {
  keys.push(entry)
  const drop = (): void => {
    const at = keys.indexOf(entry)
    if (at >= 0) keys.splice(at, 1)
  }
  onScopeDispose(drop, true)
  return drop
}

/** All keys that work now, for the overview (`?`, F1). */
export function allKeys(): readonly Key[] {
  const seen = new Map<string, Key>()
  for (const entry of keys) seen.set(entry.key, entry)
  return [...seen.values()]
}

/** How a key is written on its button. */
export function shown(key: string): string {
  return ({ ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc', ' ': '空格', Delete: 'Del' } as Record<string, string>)[key] ?? key
}
