// Files on their way up, of this tab. They go one after another: the line is narrow, and pages
// appear in the order in which they were laid on the glass.
import { shallowReactive } from 'vue'
import { asError, uuid7, type ApiError } from '../../kit'
import { upload } from '../../upload/tus'
import { drop, dropAll, keep, kept } from '../../upload/kept'
import { look, socket } from './store'

export interface Sending {
  id: string
  caseId: string
  material: string
  name: string
  sent: number
  total: number
  /** The line is down just now; it goes on by itself. */
  cut: boolean
  state: 'waiting' | 'sending' | 'judging' | 'failed'
  /** Pages judged so far, and in all, once the server counts them. */
  done: number
  pages: number
  error: ApiError | null
  file: Blob
  replaces: string
  /** Begun before a reload: the server is asked how far it came. */
  resume: boolean
}

export const sendings = shallowReactive<Sending[]>([])
let running = false

function change(one: Sending, to: Partial<Sending>): Sending {
  const at = sendings.findIndex((other) => other.id === one.id)
  if (at >= 0) sendings[at] = { ...sendings[at]!, ...to }
  return sendings[at] ?? one
}

const waiting = (one: Pick<Sending, 'id' | 'caseId' | 'material' | 'name' | 'file' | 'replaces'>, resume: boolean): Sending =>
  ({ ...one, sent: 0, total: one.file.size, cut: false, state: 'waiting', done: 0, pages: 0, error: null, resume })

/** After a reload: go on with what was going up. */
export async function resume(): Promise<void> {
  for (const one of await kept()) {
    if (!sendings.some((other) => other.id === one.id)) sendings.push(waiting(one, true))
  }
  void run()
}

export function enqueue(caseId: string, material: string, files: Iterable<File>, replaces = ''): void {
  for (const file of files) {
    const one = { id: uuid7(), caseId, material, name: file.name, file, replaces }
    void keep(one)
    sendings.push(waiting(one, false))
    replaces = '' // one page is replaced by the first file
  }
  void run()
}

export function retry(one: Sending): void {
  change(one, { state: 'waiting', error: null, resume: true })
  void run()
}

export function forget(id: string): void {
  const at = sendings.findIndex((one) => one.id === id)
  if (at >= 0) sendings.splice(at, 1)
  void drop(id)
}

async function run(): Promise<void> {
  if (running) return
  running = true
  for (;;) {
    const one = sendings.find((other) => other.state === 'waiting')
    if (!one) break
    change(one, { state: 'sending' })
    try {
      await upload({
        to: `/api/v1/cases/${one.caseId}/files`, id: one.id, file: one.file, name: one.name,
        meta: { material: one.material, replaces: one.replaces }, resume: one.resume,
        progress: (sent) => void change(one, { sent, cut: false }),
        cut: () => void change(one, { cut: true }),
      })
      change(one, { state: 'judging' })
      void drop(one.id)
      void look()
    } catch (error) {
      change(one, { state: 'failed', error: asError(error) })
    }
  }
  running = false
}

socket.on('file.progress', (frame) => {
  const one = sendings.find((other) => other.id === frame.file_id)
  if (!one) return
  if (frame.total && frame.done >= frame.total) forget(one.id)
  else change(one, { done: frame.done, pages: frame.total })
})

/** On sign-out: what was on its way is not kept for the next person. A session that merely ended keeps it. */
export async function forgetAll(): Promise<void> {
  sendings.splice(0)
  await dropAll()
}
