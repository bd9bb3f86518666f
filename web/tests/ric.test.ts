import { describe, expect, it } from 'vitest'
import { adviceOn, checkCharacter, readNumber } from '../src/kit/ric'

describe('resident identity number (GB 11643)', () => {
  it('the example of the standard checks', () => {
    expect(checkCharacter('11010519491231002')).toBe('X')
    expect(adviceOn('11010519491231002X')).toBe('')
    expect(adviceOn(' 11010519491231002x ')).toBe('')
  })

  it('says birth, sex and age, the birthday itself included', () => {
    expect(readNumber('11010519491231002X', new Date('2026-12-30'))).toEqual({ birth: '1949-12-31', female: true, age: 76 })
    expect(readNumber('11010519491231002X', new Date('2026-12-31'))?.age).toBe(77)
  })

  it.each([
    ['1101051949123100', '18 位'],
    ['110105194913310020', '出生日期'],
    ['110105194902300021', '出生日期'],
    ['110105194912310021', '校验'],
  ])('%s gets advice about %s', (number, about) => expect(adviceOn(number)).toContain(about))

  it('an empty entry gets none: not everybody has the card with them', () => expect(adviceOn('')).toBe(''))
})
