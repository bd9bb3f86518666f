// Times as people say them. The server speaks UTC; a county lives in Asia/Shanghai whatever the PC is set to.
import { t } from './i18n'

// One zone, eight hours ahead all year since 1991. Asking Intl instead costs the page its first tenth of a second:
// the browser then loads its tables of zones before anything is shown.
const AHEAD_MS = 8 * 3_600_000
type When = string | number | Date

function split(when: When): { year: number; month: number; day: number; time: string; key: string } {
  const local = new Date(new Date(when).getTime() + AHEAD_MS).toISOString()
  return {
    year: +local.slice(0, 4), month: +local.slice(5, 7), day: +local.slice(8, 10),
    time: local.slice(11, 16), key: local.slice(0, 10),
  }
}

/** `2026-11-22` of that moment in the county. */
export function dateKey(when: When): string {
  return split(when).key
}

/** 14:05 */
export function clock(when: When): string {
  return split(when).time
}

/** 9月30日, with the year when it is not this one. */
export function day(when: When, now: When = Date.now()): string {
  const at = split(when)
  const year = at.year === split(now).year ? '' : t(`${at.year}年`, ` ${at.year}`)
  const month = MONTHS[at.month - 1] ?? ''
  return t(`${year}${at.month}月${at.day}日`, `${at.day} ${month}${year}`)
}
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** 今天 14:05, 昨天 09:10, 9月30日 14:05 */
export function moment(when: When, now: When = Date.now()): string {
  const key = dateKey(when)
  const at = clock(when)
  if (key === dateKey(now)) return t(`今天 ${at}`, `today ${at}`)
  if (key === dateKey(new Date(now).getTime() - 86_400_000)) return t(`昨天 ${at}`, `yesterday ${at}`)
  return `${day(when, now)} ${at}`
}

/** How long since: 刚刚, 3 分钟, 2 小时 5 分, 4 天 */
export function since(when: When, now: When = Date.now()): string {
  const minutes = Math.floor((new Date(now).getTime() - new Date(when).getTime()) / 60_000)
  if (minutes < 1) return t('刚刚', 'just now')
  if (minutes < 60) return t(`${minutes} 分钟`, `${minutes} min`)
  const hours = Math.floor(minutes / 60)
  if (hours >= 24) return t(`${Math.floor(hours / 24)} 天`, `${Math.floor(hours / 24)} d`)
  const rest = minutes % 60
  return t(`${hours} 小时${rest ? ` ${rest} 分` : ''}`, `${hours} h${rest ? ` ${rest} min` : ''}`)
}

/** The running time of a call: 00:42, 1:02:03 */
export function span(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000))
  const two = (value: number): string => String(value).padStart(2, '0')
  const hours = Math.floor(total / 3600)
  const rest = `${two(Math.floor(total / 60) % 60)}:${two(total % 60)}`
  return hours ? `${hours}:${rest}` : rest
}
