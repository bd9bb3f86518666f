// The id of this browser tab: it is the participant in calls, so it must survive a reload and must never
// be two tabs. Duplicating a tab copies its sessionStorage; a lock held while the tab lives tells the copy.
import { uuid7 } from '../kit/ids'

const KEY = 'vc.tab'
/** How long another document with this id is waited for: a copy of the tab keeps it; before a reload it was ours, and on
 * a busy old PC the old document takes seconds to let go. */
const PATIENCE = { copy: 600, reload: 15_000 }
const reloaded = (): boolean =>
  performance.getEntriesByType('navigation').some((entry) => (entry as PerformanceNavigationTiming).type === 'reload')

export interface TabWorld {
  storage: Pick<Storage, 'getItem' | 'setItem'>
  /** True when the id is now held by this tab alone. */
  hold: (id: string) => Promise<boolean>
}

export async function claimTab(world: TabWorld): Promise<string> {
  const known = world.storage.getItem(KEY)
  if (known && (await world.hold(known))) return known
  const fresh = uuid7()
  world.storage.setItem(KEY, fresh)
  await world.hold(fresh)
  return fresh
}

/** Hold by Web Locks; where those are missing (plain HTTP), by asking the other tabs. */
export function browserHold(id: string): Promise<boolean> {
  return navigator.locks ? holdByLock(id) : holdByAsking(id)
}

function holdByLock(id: string): Promise<boolean> {
  return new Promise((held) => {
    const signal = AbortSignal.timeout(reloaded() ? PATIENCE.reload : PATIENCE.copy)
    navigator.locks
      .request(`vc-tab-${id}`, { signal }, () => {
        held(true)
        return new Promise(() => undefined) // kept until the tab is gone
      })
      .catch(() => held(false))
  })
}

function holdByAsking(id: string): Promise<boolean> {
  const channel = new BroadcastChannel('vc-tab')
  const me = uuid7()
  return new Promise((held) => {
    const timer = setTimeout(() => {
      channel.onmessage = (event: MessageEvent<{ id: string; from: string }>) => {
        if (event.data.id === id && event.data.from !== me) channel.postMessage({ id, taken: true })
      }
      held(true)
    }, 150)
    channel.onmessage = (event: MessageEvent<{ id: string; taken?: boolean }>) => {
      if (event.data.id !== id || !event.data.taken) return
      clearTimeout(timer)
      channel.close()
      held(false)
    }
    channel.postMessage({ id, from: me })
  })
}

let mine: Promise<string> | undefined
/** This tab's id, the same for every caller. */
export function tabId(): Promise<string> {
  return (mine ??= claimTab({ storage: sessionStorage, hold: browserHold }))
}
