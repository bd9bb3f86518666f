// What is being typed, kept in this browser within a second, so that a crash or a power cut loses nothing.
// It holds personal data: a draft is dropped as soon as the server has its contents, and after a day.
import { onScopeDispose, watch } from 'vue'

const PREFIX = 'vc.draft.'
const DAY = 86_400_000

interface Kept<T> {
  at: number
  value: T
}

/** The draft kept under `name`, if there is one of today. */
export function readDraft<T>(name: string): T | null {
  try {
    const kept = JSON.parse(localStorage.getItem(PREFIX + name) ?? 'null') as Kept<T> | null
    return kept && Date.now() - kept.at < DAY ? kept.value : null
  } catch {
    return null
  }
}

export function dropDraft(name: string): void {
  localStorage.removeItem(PREFIX + name)
}

/** Forget drafts older than a day, or (`all`) every one: on sign-out and after a submit. */
export function sweepDrafts(all = false): void {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(PREFIX) && (all || readDraft(key.slice(PREFIX.length)) === null)) localStorage.removeItem(key)
  }
}

/** Keep `read()` under `name` whenever it changes; `drop()` forgets it. */
export function useDraft<T>(name: string, read: () => T): { drop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined
  const save = (): void => {
    clearTimeout(timer)
    timer = undefined
    try {
      localStorage.setItem(PREFIX + name, JSON.stringify({ at: Date.now(), value: read() } satisfies Kept<T>))
    } catch {
      // A full or forbidden storage costs the draft, not the typing.
    }
  }
  const flush = (): void => void (timer && save())
  watch(read, () => void (timer ??= setTimeout(save, 700)), { deep: true })
  addEventListener('pagehide', flush)
  onScopeDispose(() => {
    flush()
    removeEventListener('pagehide', flush)
  })
  return {
    drop: () => {
      clearTimeout(timer)
      timer = undefined
      dropDraft(name)
    },
  }
}
