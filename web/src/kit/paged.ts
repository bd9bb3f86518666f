// A list that is searched as one types and goes on page by page.
import { ref, shallowRef, watch, type Ref } from 'vue'
import { asError, type ApiError } from './api'
import { latest } from './latest'

export interface Paged<T> {
  wanted: Ref<string>
  /** null as long as nothing has come. */
  rows: Ref<T[] | null>
  /** Where the next page begins; null = that is all. */
  next: Ref<string | null>
  /** How many there are in all, where the server counts them. */
  total: Ref<number>
  error: Ref<ApiError | null>
  /** The first page for what is wanted, or (`more`) the one after those shown. */
  load(more?: boolean): Promise<void>
}

/** `ask` gives the page of `q` that begins after `after`; it is asked at once, and 200 ms after the last letter. */
export function usePaged<T>(ask: (q: string, after: string) => Promise<{ rows: T[]; next: string | null; total?: number }>): Paged<T> {
  const wanted = ref('')
  const rows = shallowRef<T[] | null>(null)
  const next = ref<string | null>(null)
  const total = ref(0)
  const error = ref<ApiError | null>(null)
  const turns = latest()

  async function load(more = false): Promise<void> {
    const current = turns()
    try {
      const found = await ask(wanted.value, more ? (next.value ?? '') : '')
      if (!current()) return
      rows.value = more ? [...(rows.value ?? []), ...found.rows] : found.rows
      next.value = found.next
      total.value = found.total ?? 0
      error.value = null
    } catch (thrown) {
      if (current()) error.value = asError(thrown)
    }
  }
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(wanted, () => {
    clearTimeout(timer)
    timer = setTimeout(() => void load(), 200)
  })
  void load()
  return { wanted, rows, next, total, error, load }
}
