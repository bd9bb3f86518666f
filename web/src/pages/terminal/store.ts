// What the whole terminal shares: the line, the printers, the case being worked on, the call.
import { computed, ref, shallowRef, watch } from 'vue'
import { theSocket, tabId } from '../../call'
import type { CallClient } from '../../call/client'
import type { Pushes } from '../../call/wire'
import { api, asError, named, session, t, type ApiError, type Schemas } from '../../kit'
import { latest } from '../../kit/latest'
import { coalesced } from './coalesced'
import { SecondLink } from '../../second'

export type CaseView = Schemas['CaseView']
export type CaseLine = Schemas['CaseLine']
export type Device = Schemas['DeviceReply']
export type Item = Schemas['Item']

export const socket = theSocket()
export const second = new SecondLink()
export const devices = ref<Device[]>([])
export const counts = ref({ today: 0, open: 0 })
export const call = shallowRef<CallClient | null>(null)

/** The call client, loaded when it is first needed (or when the server says we are in a call). */
let loading: Promise<CallClient> | undefined
export function theCall(): Promise<CallClient> {
  return (loading ??= import('../../call/client').then(({ CallClient }) => (call.value = new CallClient(socket, tabId()))))
}
// After a reload the server says at once which call we are in and which page lies open there; the client, which
// is loaded only then, was not there to hear it.
let open: Pushes['page.shown'] | null = null
socket.on('page.shown', (frame) => (open = frame))
socket.on('welcome', async (welcome) => {
  if (!welcome.call || call.value) return
  open = null
  const client = await theCall()
  if (!client.state.call) client.adopt(welcome.call, open)
})

// ---------------------------------------------------------------- the case

export const kase = shallowRef<CaseView | null>(null)
export const item = shallowRef<Item | null>(null)
export const caseError = ref<ApiError | null>(null)
let unwatch: (() => void) | undefined
const openings = latest()
/** Take what an answer says, unless something newer is shown already. */
export function take(next: CaseView): void {
  if (kase.value?.case_id === next.case_id && kase.value.seq > next.seq) return
  if (kase.value && kase.value.case_id !== next.case_id) return
  kase.value = next
}

/** Look at the case again; hints that come meanwhile lead to one more look. */
export const look = coalesced(async () => {
  const id = kase.value?.case_id
  if (!id) return
  // What fails is asked again by the next hint or by the poll below.
  await api.get('/api/v1/cases/{case_id}', { path: { case_id: id } }).then((reply) => take(reply.case), () => undefined)
})

export async function openCase(id: string): Promise<void> {
  if (kase.value?.case_id === id) return void look()
  closeCase()
  const current = openings()
  caseError.value = null
  try {
    const { case: found } = await api.get('/api/v1/cases/{case_id}', { path: { case_id: id } })
    const guide = await api.get('/api/v1/items/{code}', { path: { code: found.item }, query: { version: found.item_version } })
    if (!current()) return // gone elsewhere meanwhile: never one case's papers under another's address
    kase.value = found
    item.value = guide.item
    unwatch = socket.watch(id)
  } catch (error) {
    if (current()) caseError.value = asError(error)
  }
}

export function closeCase(): void {
  openings()
  unwatch?.()
  unwatch = undefined
  kase.value = null
  item.value = null
}

/** A paper as the second screen asks for it. */
export const bringWords = (one: { name: string; name_en?: string; necessary: boolean }): string => named(one) + (one.necessary ? '' : t('(可后补)', ' (may follow later)'))
export const can = (action: string): boolean => kase.value?.actions.includes(action) ?? false

socket.on('case.changed', (frame) => {
  if (frame.case === kase.value?.case_id) void look()
  void recount()
})
socket.on('queue.changed', () => void recount())
socket.on('file.progress', (frame) => {
  if (frame.case === kase.value?.case_id) void look()
})
socket.on('welcome', () => {
  void look()
  void loadDevices()
  void recount()
})
// Hints may be lost: pages still being judged, and certificates being made, are asked after now and then.
const pending = computed(() => {
  const shown = kase.value
  return Boolean(shown && (['submitted', 'approved'].includes(shown.state)
    || shown.pages.some((page) => page.state === 'waiting' && !page.removed)
    || shown.prints.some((print) => ['ticketed', 'queued', 'printing', 'held'].includes(print.state))))
})
setInterval(() => void (pending.value && look()), 2500)
setInterval(() => void (kase.value && look()), 30_000)

// ---------------------------------------------------------------- devices and counts

export async function loadDevices(): Promise<void> {
  if (!session.value) return
  devices.value = await api.get('/api/v1/devices').then((reply) => reply.devices, () => devices.value)
}
socket.on('device.changed', loadDevices)

export interface Printer {
  device: Device
  name: string
  state: string
  reasons: string[]
  label: string
  zh: string
  en: string
  ready: boolean
  tone: 'good' | 'wait' | 'stop'
}
export const printers = computed<Printer[]>(() =>
  devices.value.flatMap((device) => device.printers.map((printer) => {
    const ready = device.online && printer.state !== 'stopped'
    return { device, ...printer, ready, tone: !ready ? 'stop' : printer.trouble ? 'wait' : 'good' }
  })))

/** What is still open, and what was finished last, newest first: the village's own lists. */
export const lists = shallowRef<{ open: CaseLine[]; done: CaseLine[] } | null>(null)
export const recount = coalesced(async () => {
  if (!session.value) return
  const list = (view: string, limit: number): Promise<CaseLine[]> =>
    api.get('/api/v1/cases', { query: { view, limit } }).then((reply) => reply.cases)
  try {
    const [open, done, today] = await Promise.all([list('open', 50), list('done', 8), list('today', 200)])
    lists.value = { open, done }
    counts.value = { open: open.length, today: today.length }
  } catch {
    // Shown as it was; the next hint asks again.
  }
})

watch(session, (who, before) => {
  if (who && !before) {
    socket.start()
    second.show({ village: who.unit_name })
  }
  if (!who && before) {
    socket.stop()
    closeCase()
    lists.value = null
  }
})
