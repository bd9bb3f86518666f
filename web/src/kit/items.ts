// Finding an item by a few characters: as one types, and by Enter.
import { computed, ref, watch, type ComputedRef, type Ref } from 'vue'
import { api, asError, type ApiError, type Schemas } from './api'
import { latest } from './latest'

type Item = Schemas['ItemSummary']
export interface ItemSearch {
  q: Ref<string>
  field: Ref<string>
  /** There is something to search for. */
  asking: ComputedRef<boolean>
  /** null as long as nothing was searched for. */
  found: Ref<Item[] | null>
  /** How many there are in all, also beyond those in `found`. */
  total: Ref<number>
  error: Ref<ApiError | null>
  /** The first hit for what stands there now: Enter may come before the answer to the last letter. */
  first(): Promise<Item | null>
}

/** Search among the described items, at most `limit` of them, 120 ms after the last letter. */
export function useItemSearch(limit: number): ItemSearch {
  const q = ref('')
  const field = ref('')
  const found = ref<Item[] | null>(null)
  const total = ref(0)
  const error = ref<ApiError | null>(null)
  const asking = computed(() => q.value.trim() !== '' || field.value !== '')
  const turns = latest()
  let timer: ReturnType<typeof setTimeout> | undefined
  let answered = true

  async function search(): Promise<void> {
    clearTimeout(timer)
    const current = turns()
    try {
      const reply = await api.get('/api/v1/items', { query: { q: q.value.trim(), field: field.value, described: true, limit } })
      if (!current()) return
      found.value = reply.items
      total.value = reply.total
      answered = true
      error.value = null
    } catch (thrown) {
      if (current()) error.value = asError(thrown)
    }
  }
  // At once, not before the next drawing: Enter comes in the same moment as a letter of an input method.
  watch([q, field], () => {
    clearTimeout(timer)
    turns()
    answered = !asking.value
    if (answered) found.value = null
    else timer = setTimeout(() => void search(), 120)
  }, { flush: 'sync' })

  async function first(): Promise<Item | null> {
    if (!answered) await search()
    return answered ? (found.value?.[0] ?? null) : null
  }
  return { q, field, asking, found, total, error, first }
}
