// Where we are, in the query of the address: reload, bookmark and the back key find it again.
import { shallowReactive } from 'vue'

export type Params = Record<string, string>
const read = (): Params => Object.fromEntries(new URLSearchParams(location.search))

export const route: Params = shallowReactive(read())

function put(next: Params): void {
  for (const key of Object.keys(route)) if (!(key in next)) delete route[key]
  Object.assign(route, next)
}
addEventListener('popstate', () => put(read()))

/** Go to a place; `replace` leaves no step for the back key. */
export function go(next: Params, replace = false): void {
  const query = new URLSearchParams(next)
  const address = query.size ? `${location.pathname}?${query}` : location.pathname
  if (address !== location.pathname + location.search) history[replace ? 'replaceState' : 'pushState'](null, '', address)
  put(next)
  scrollTo(0, 0)
}
