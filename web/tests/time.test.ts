import { afterEach, describe, expect, it } from 'vitest'
import { lang } from '../src/kit/prefs'
import { clock, dateKey, day, moment, since, span } from '../src/kit/time'

const NOW = '2026-11-22T16:30:00Z' // 00:30 on the 23rd in the county
afterEach(() => (lang.value = 'zh'))

describe('times are those of Asia/Shanghai, whatever the PC is set to', () => {
  it('late evening in UTC is the next day', () => {
    expect(dateKey(NOW)).toBe('2026-11-23')
    expect(clock(NOW)).toBe('00:30')
  })

  it.each([
    ['2026-11-22T16:05:00Z', '今天 00:05'],
    ['2026-11-22T06:05:00Z', '昨天 14:05'],
    ['2026-09-30T01:00:00Z', '9月30日 09:00'],
    ['2025-12-31T01:00:00Z', '2025年12月31日 09:00'],
  ])('%s is said %s', (when, said) => expect(moment(when, NOW)).toBe(said))

  it('says a day with its year only when it is another year', () => {
    expect(day('2026-09-30T01:00:00Z', NOW)).toBe('9月30日')
    expect(day('2027-01-04T01:00:00Z', NOW)).toBe('2027年1月4日')
    lang.value = 'en'
    expect(day('2027-01-04T01:00:00Z', NOW)).toBe('4 Jan 2027')
  })
})

describe('waiting', () => {
  const ago = (minutes: number): number => Date.parse(NOW) - minutes * 60_000
  it.each([[0, '刚刚'], [3, '3 分钟'], [60, '1 小时'], [125, '2 小时 5 分'], [3 * 24 * 60, '3 天']])('%i minutes are said %s', (minutes, said) => {
    expect(since(ago(minutes), NOW)).toBe(said)
  })

  it('a call runs in minutes and seconds, then in hours', () => {
    expect([span(42_000), span(754_000), span(3_723_000), span(-5)]).toEqual(['00:42', '12:34', '1:02:03', '00:00'])
  })
})
