// The socket of this tab, opened once after sign-in. The call client is imported by who calls
// (`import('../call/client')`), so that a page is usable before it has loaded.
import { tabId } from './tab'
import { Socket } from './socket'

let socket: Socket | undefined

export function theSocket(): Socket {
  return (socket ??= new Socket({
    tab: tabId,
    open: () => new WebSocket(new URL('/ws', location.href.replace(/^http/, 'ws'))),
  }))
}
export { tabId }
