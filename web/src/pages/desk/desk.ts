// What the desk knows: its queue, the open case, the call. Pushes are hints; what is shown is always fetched.
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { theSocket, tabId } from '../../call'
import { CallClient } from '../../call/client'
import { chime, startRinging, stopRinging } from '../../call/ring'
import { ApiError, api, asError, type Schemas } from '../../kit/api'
import { latest } from '../../kit/latest'
import { loadSession, session } from '../../kit/session'

export type CaseView = Schemas['CaseView']

export function useDesk() {
  const socket = theSocket()
  const call = new CallClient(socket, tabId())
  const queue = shallowRef<Schemas['QueueReply'] | null>(null)
  const view = shallowRef<CaseView | null>(null)
  const item = shallowRef<Schemas['Item'] | null>(null)
  const selected = ref<string | null>(null)
  const page = ref(0)
  const error = ref<ApiError | null>(null)
  const now = ref(Date.now())
  const duty = ref(true)
  const drops: (() => void)[] = []

  const guard = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      error.value = null
      await work()
    } catch (thrown) {
      error.value = asError(thrown)
    }
  }

  // Many hints in a moment are one look.
  const looks = latest()
  let looking: ReturnType<typeof setTimeout> | undefined
  function lookAtQueue(): void {
    clearTimeout(looking)
    looking = setTimeout(() => {
      const current = looks()
      api.get('/api/v1/queue', { query: { limit: 50 } }).then(
        (found) => {
          if (!current()) return
          if (found.video.length > (queue.value?.video.length ?? 0)) chime()
          queue.value = found
        },
        () => undefined, // the line's state is shown; the next hint or welcome looks again
      )
    }, 80)
  }
  async function more(): Promise<void> {
    const before = queue.value
    if (!before?.next) return
    const found = await api.get('/api/v1/queue', { query: { limit: 50, after: before.next } })
    queue.value = { ...before, general: [...before.general, ...found.general], next: found.next }
  }

  async function load(id: string): Promise<void> {
    const found = (await api.get('/api/v1/cases/{case_id}', { path: { case_id: id } })).case
    take(found)
    if (selected.value !== id) return
    if (item.value?.code !== found.item || item.value.version !== found.item_version) {
      const guide = await api.get('/api/v1/items/{code}', { path: { code: found.item }, query: { version: found.item_version } })
      if (selected.value === id) item.value = guide.item
    }
  }
  /** Takes what an answer says of the open case; of a case left meanwhile nothing is shown. */
  function take(found: CaseView): void {
    if (found.case_id !== selected.value) return
    if (view.value && view.value.seq > found.seq) return
    view.value = found
  }

  let unwatch: (() => void) | undefined
  async function open(id: string): Promise<void> {
    if (selected.value !== id) {
      unwatch?.()
      unwatch = socket.watch(id)
      selected.value = id
      view.value = null
      page.value = 0
      history.replaceState(null, '', `#${id}`)
    }
    await guard(() => load(id))
  }

  async function claim(): Promise<void> {
    const id = selected.value
    if (id) await guard(async () => take((await api.post('/api/v1/cases/{case_id}/claim', { path: { case_id: id } })).case))
  }
  async function release(): Promise<void> {
    const id = selected.value
    if (id) await guard(async () => take((await api.post('/api/v1/cases/{case_id}/release', { path: { case_id: id } })).case))
  }

  async function answer(id: string): Promise<void> {
    const ringing = call.state.ringing.find((one) => one.call_id === id)
    await guard(async () => {
      await call.answer(id).catch((thrown: unknown) => {
        // The applicant has not agreed yet: the picture comes by itself once they have.
        if (asError(thrown).code !== 'consent_first') throw thrown
        call.state.error = null
      })
      const caseId = call.state.call?.case_id ?? ringing?.case_id
      if (!caseId) return
      await open(caseId)
      // Who answers the call works on the case; the lease may be another's, then the case says so.
      if (view.value?.actions.includes('claim')) await claim()
    })
  }
  async function setDuty(on: boolean): Promise<void> {
    await guard(async () => {
      await socket.request('duty', { on })
      duty.value = on
    })
  }

  // A lease lasts while somebody works on the case: renewed each few minutes the case stays open here.
  const renew = setInterval(() => {
    if (view.value?.claim?.mine && document.visibilityState === 'visible') void claim()
  }, 4 * 60_000)
  const tick = setInterval(() => (now.value = Date.now()), 1000)

  drops.push(
    socket.on('welcome', (welcome) => {
      duty.value = welcome.duty
      lookAtQueue()
      const wanted = welcome.call?.case_id ?? selected.value ?? (location.hash.slice(1) || null)
      if (wanted) void open(wanted)
      // Back in the same call after a reload: the picture comes back by itself.
      if (welcome.call && call.state.media === 'off') void guard(() => call.join())
    }),
    socket.on('queue.changed', lookAtQueue),
    socket.on('case.changed', (frame) => {
      if (frame.case === selected.value && frame.seq > (view.value?.seq ?? 0)) void guard(() => load(frame.case))
    }),
    socket.on('call.state', (frame) => {
      const ours = frame.call.call_id === call.state.call?.call_id
      if (ours && frame.call.consented && call.state.media === 'off') void guard(() => call.join())
      lookAtQueue()
      if (selected.value) void guard(() => load(selected.value!))
    }),
  )

  const live = computed(() => (view.value?.pages ?? []).filter((one) => !one.removed && !one.replaced_by))
  const shown = computed(() => live.value[page.value] ?? null)
  watch(live, (pages) => {
    if (page.value >= pages.length) page.value = Math.max(0, pages.length - 1)
  })
  // The village sees which page is being looked at.
  watch([() => shown.value?.page_id, () => call.state.call?.call_id], ([pageId, callId]) => {
    if (callId && call.state.call?.case_id === view.value?.case_id) call.showPage(pageId ?? null)
  })
  // Who is in the call when the case comes to their desk works on it: once for each stage, so that putting it back holds.
  const taken = new Set<string>()
  watch([view, () => call.state.call], ([found, running]) => {
    if (!found || found.claim || !found.actions.includes('claim')) return
    if (running?.case_id !== found.case_id || running.state !== 'active') return
    const once = `${running.call_id}/${found.stage}`
    if (taken.has(once)) return
    taken.add(once)
    void claim()
  })
  watch(() => call.state.ringing.length, (count) => (count ? startRinging() : stopRinging()))
  watch(session, (who) => {
    if (who) socket.start()
    else if (who === null) socket.stop()
  }, { immediate: true })

  loadSession().catch((thrown: unknown) => (error.value = asError(thrown)))
  onScopeDispose(() => {
    for (const drop of drops) drop()
    clearInterval(renew)
    clearInterval(tick)
    stopRinging()
    socket.stop()
  })

  return {
    socket, call, queue, view, item, selected, page, live, shown, error, now, duty,
    open, claim, release, answer, more, setDuty, take, lookAtQueue, guard,
  }
}
export type Desk = ReturnType<typeof useDesk>
