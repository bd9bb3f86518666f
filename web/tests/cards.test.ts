import { describe, expect, it } from 'vitest'
import type { Schemas } from '../src/kit/api'
import { fieldFor, offers } from '../src/pages/terminal/cards'

const card = (more: Partial<Schemas['CardView']>): Schemas['CardView'] => ({
  page_id: 'p', name: '李桂芳', id_number: '11010519491231002X', address: '柳溪村三组12号', sex: '女', people: '汉', birth: '1949-12-31', ...more,
})

describe('what the scanned cards offer', () => {
  it('offers what differs from what is typed', () => {
    expect(offers([card({})], 'name', '')).toEqual(['李桂芳'])
    expect(offers([card({})], 'name', '李桂芬')).toEqual(['李桂芳'])
    expect(offers([card({})], 'name', ' 李 桂芳')).toEqual([])
    expect(offers([card({})], 'id_number', '11010519491231002x')).toEqual([])
  })

  it('offers nothing that was not read', () => {
    expect(offers([], 'name', '')).toEqual([])
    expect(offers([card({ address: '' })], 'address', '')).toEqual([])
  })

  it('several cards, each value once, and none when one of them fits', () => {
    const wang = card({ name: '王刚', id_number: '110101199003074370' })
    expect(offers([card({}), wang, card({})], 'name', '')).toEqual(['李桂芳', '王刚'])
    expect(offers([card({}), wang], 'name', '王刚')).toEqual([])
  })

  it('the card of whoever acts for somebody is not offered for the applicant', () => {
    const wang = card({ name: '王刚', id_number: '110101199003074370' })
    expect(offers([card({}), wang], 'name', '', '110101199003074370')).toEqual(['李桂芳'])
  })

  it('knows which fields of a form stand on a card', () => {
    expect([fieldFor('民族'), fieldFor(' 出生日期 '), fieldFor('申请理由')]).toEqual(['people', 'birth', null])
  })
})
