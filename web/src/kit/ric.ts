// GB 11643: resident identity number. Advice only: some lawfully issued numbers fail, so nothing is blocked.
import { t } from './i18n'

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]

/** The check character of the first 17 digits. */
export function checkCharacter(digits: string): string {
  const sum = WEIGHTS.reduce((total, weight, at) => total + weight * Number(digits[at]), 0)
  return '10X98765432'[sum % 11]!
}

export interface Identity {
  birth: string
  female: boolean
  age: number
}

/** What the number says, when it is well formed; else null. */
export function readNumber(number: string, now = new Date()): Identity | null {
  const found = /^\d{6}(\d{4})(\d\d)(\d\d)\d\d(\d)[\dX]$/.exec(number.toUpperCase())
  if (!found) return null
  const [year, month, date] = [Number(found[1]), Number(found[2]), Number(found[3])]
  const birth = new Date(Date.UTC(year, month - 1, date))
  if (birth.getUTCMonth() !== month - 1 || birth.getUTCDate() !== date) return null
  const had = now.getUTCMonth() * 100 + now.getUTCDate() >= (month - 1) * 100 + date
  return { birth: `${year}-${month}-${date}`, female: Number(found[4]) % 2 === 0, age: now.getUTCFullYear() - year - (had ? 0 : 1) }
}

/** One sentence about a number that looks wrong, or nothing. */
export function adviceOn(number: string): string {
  const text = number.trim().toUpperCase()
  if (!text) return ''
  if (text.length !== 18) return t(`身份证号码应为 18 位,现在是 ${text.length} 位。`, `18 characters are usual, these are ${text.length}.`)
  if (!readNumber(text)) return t('号码里的出生日期不像是真的,请对照证件再看一遍。', 'The date of birth in it looks wrong; compare with the card.')
  if (checkCharacter(text) !== text[17]) return t('最后一位校验不上,请对照证件再看一遍;确实如此可以继续。', 'The last character does not check; compare with the card. You may go on if it is right.')
  return ''
}
