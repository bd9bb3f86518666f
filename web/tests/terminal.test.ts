import { mount } from '@vue/test-utils'
import { afterEach, describe, expect, it } from 'vitest'
import type { Schemas } from '../src/kit/api'
import { lang } from '../src/kit/prefs'
import { coalesced } from '../src/pages/terminal/coalesced'
import { withPaper } from '../src/kit/defects'
import DefectList from '../src/pages/terminal/DefectList.vue'
import { livePages, marks, nextMaterial, stateWord, toMend, verdict } from '../src/pages/terminal/materials'
import { isDone, reasonWords, stateOf } from '../src/pages/terminal/prints'
import { naturalStep, stepMarks } from '../src/pages/terminal/steps'

type CaseView = Schemas['CaseView']
type Page = Schemas['PageView']
const kase = (more: Partial<CaseView>): CaseView => ({ applicant: null, call: null, materials: [], pages: [], state: 'draft', state_zh: '草稿', state_en: 'Draft', ...more }) as CaseView
const page = (more: Partial<Page>): Page => ({ page_id: 'p', state: 'fine', blank: false, faults: [], removed: false, replaced_by: null, notices: 0, straightened_mdeg: 0, ...more }) as Page
const material = (code: string, state: string, necessary = true) => ({ code, state, necessary, name: code, name_en: '', pages: [] }) as unknown as Schemas['MaterialView']
const print = (more: object): Schemas['Print'] => ({ device: 'd', reasons: [], state: 'done', ...more }) as unknown as Schemas['Print']
const who = { name: '李*芳' } as CaseView['applicant']
afterEach(() => (lang.value = 'zh'))

describe('the rail of four steps', () => {
  it.each([
    ['draft', null, 'intake'], ['draft', who, 'scan'], ['correction', who, 'scan'], ['submitted', who, 'video'], ['accepted', who, 'video'],
    ['in_review', who, 'video'], ['approved', who, 'print'], ['issued', who, 'print'], ['refused', who, 'print'], ['closed', who, 'print'],
  ] as const)('%s (applicant %o) goes on with %s', (state, applicant, step) => {
    expect(naturalStep(kase({ state, applicant }))).toBe(step)
  })

  it('what lies behind is done, what is not reached cannot be pressed', () => {
    expect(stepMarks(kase({ state: 'accepted', applicant: who })).map((mark) => mark.state)).toEqual(['done', 'done', 'now', 'later'])
    expect(stepMarks(kase({ state: 'closed', applicant: who })).map((mark) => mark.state)).toEqual(['done', 'done', 'done', 'done'])
    expect(stepMarks(null).every((mark) => mark.state === 'later')).toBe(true)
  })

  it('says where a step is open elsewhere', () => {
    const waiting = kase({ state: 'accepted', applicant: who, call: { state: 'waiting' } as CaseView['call'] })
    expect(stepMarks(waiting)[2]!.note).toBe('等候接听')
    expect(stepMarks(kase({ state: 'correction', applicant: who }))[1]!.note).toBe('待补正')
  })
})

describe('materials', () => {
  it('removed, replaced and just hidden pages do not count', () => {
    const pages = [page({ page_id: 'a' }), page({ page_id: 'b', removed: true }), page({ page_id: 'c', replaced_by: 'd' }), page({ page_id: 'd' })]
    expect(livePages(pages, new Set(['a'])).map((one) => one.page_id)).toEqual(['d'])
  })

  it('the next one is what stops the case first', () => {
    expect(nextMaterial([material('a', 'fine'), material('b', 'missing', false), material('c', 'fault')])?.code).toBe('c')
    expect(nextMaterial([material('a', 'fine'), material('b', 'missing', false)])?.code).toBe('b')
    expect(nextMaterial([material('a', 'fine')])?.code).toBe('a')
    expect(nextMaterial([])).toBeUndefined()
  })

  it('a missing secondary one may follow later', () => {
    expect([stateWord(material('a', 'missing')).word, stateWord(material('a', 'missing', false)).word]).toEqual(['还没有', '可以后补'])
  })

  it('a material that the desk asked for again is to be corrected until a new page of it has come', () => {
    const kase = { state: 'correction', notices: [{ defects: [{ code: 'other', material: 'income', page_id: null, zh: '请补写。', en: '' }] }],
      pages: [page({ page_id: 'old', notices: 0 })], materials: [{ ...material('income', 'fine'), pages: ['old'] }] } as unknown as Schemas['CaseView']
    expect(toMend(kase).map((one) => one.material)).toEqual(['income'])
    expect(stateWord(kase.materials[0]!, true).word).toBe('要补正')
    const come = { ...kase, pages: [page({ page_id: 'new', notices: 1 })], materials: [{ ...material('income', 'fine'), pages: ['new'] }] }
    expect(toMend(come)).toEqual([])
    expect(toMend({ ...kase, state: 'accepted' })).toEqual([])
  })

  it('a hint of the engine is said though the page is fine, and a fault without a place frames the whole page', () => {
    const hint = { code: 'maybe_duplicate', zh: '可能和第 1 页是同一页。', en: 'Perhaps page 1 again.', spot: null }
    expect(verdict(page({ state: 'fine', faults: [hint] }))).toEqual({ tone: 'wait', text: '这一页清楚。 可能和第 1 页是同一页。' })
    expect(marks(page({ state: 'fine', faults: [hint] }))).toEqual([])
    const blurred = { code: 'blurred', zh: '这一页模糊。', en: 'Blurred.', spot: null }
    expect(marks(page({ state: 'fault', faults: [blurred] }))).toEqual([{ x: 0, y: 0, w: 1000, h: 1000, label: '' }])
    const finger = { ...blurred, spot: { x: 0, y: 900, w: 90, h: 100 } }
    expect(marks(page({ state: 'fault', faults: [blurred, finger] }))).toEqual([{ ...finger.spot, label: '' }])
  })
  it('an empty page is said to be one, and hinders nobody', () => {
    expect(verdict(page({ blank: true }))).toEqual({ tone: 'wait', text: '这一页没有字。是空白背面就留着或删掉;有字请重新扫描。' })
  })

  it('a verdict says what to do in the words of the engine, or how far it was straightened', () => {
    expect(verdict(page({ straightened_mdeg: -7100 })).text).toBe('这一页清楚,已自动扶正 7.1°。')
    expect(verdict(page({ straightened_mdeg: 40 })).text).toBe('这一页清楚。')
    const fault = page({ state: 'fault', faults: [{ code: 'finger', zh: '左下角被手指挡住了。', en: 'A finger.', spot: null }] })
    expect(verdict(fault)).toEqual({ tone: 'stop', text: '左下角被手指挡住了。' })
    lang.value = 'en'
    expect(verdict(fault).text).toBe('A finger.')
  })
})

describe('prints', () => {
  it('IPP reasons are said as people say them', () => {
    expect(reasonWords(['media-empty-error', 'cover-open-report', 'unknown-thing'])).toBe('缺纸,请加纸,盖子没合上')
    expect(stateOf(print({ state: 'stopped', reasons: ['media-jam-error'] }))).toEqual({ tone: 'stop', word: '卡纸,请取出' })
    expect(stateOf(print({ state: 'aborted' })).word).toBe('没打成')
  })

  it('hand-over begins when the spooler says done, or the browser has the sheet', () => {
    const states = ['ticketed', 'fetched', 'queued', 'printing', 'held', 'stopped', 'aborted', 'canceled', 'done']
    expect(states.filter((state) => isDone(print({ state })))).toEqual(['done'])
    expect(isDone(print({ state: 'fetched', device: null }))).toBe(true)
  })
})

describe('the one-time notice', () => {
  const defects = [
    { code: 'missing', material: 'household', page_id: null, zh: '缺少户口簿', en: 'No register' },
    { code: 'blur', material: 'idcard', page_id: 'p1', zh: '第 1 页不清楚', en: 'Blurred' },
    { code: 'phone', material: '', page_id: null, zh: '电话没有填', en: 'No phone' },
  ]

  it('shows every defect with what to do, and strikes out what has been seen to', async () => {
    const fixed = kase({ materials: [material('household', 'missing'), material('idcard', 'fine')], pages: [page({ page_id: 'p1', replaced_by: 'p9' })] })
    const list = mount(DefectList, { props: { tone: 'wait', title: '要补正', defects, materials: fixed.materials, fixed } })
    expect(list.findAll('li').map((line) => line.classes('done'))).toEqual([false, true, false])
    expect(list.findAll('u').map((todo) => todo.text())).toEqual(['去扫描', '去填写'])
    await list.findAll('button')[0]!.trigger('click')
    expect(list.emitted('jump')).toEqual([[defects[0]]])
  })

  it('each sentence names its paper, in either language, and only once', () => {
    const papers = [{ code: 'idcard', name: '身份证', name_en: 'ID card' }]
    const blurred = withPaper(defects[1]!, papers)
    expect(blurred).toEqual({ zh: '「身份证」:第 1 页不清楚', en: 'ID card: Blurred' })
    expect(withPaper({ material: 'idcard', ...blurred }, papers)).toEqual(blurred)
    expect(withPaper(defects[2]!, papers)).toEqual({ zh: '电话没有填', en: 'No phone' })
  })

  it('an officer\'s words on a material are seen to by a page that came in after them', () => {
    const told = { defects: [defects[0]!] } as CaseView['notices'][number]
    const struck = (notices: number): boolean[] => {
      const fixed = kase({ notices: [told], materials: [{ ...material('household', 'fine'), pages: ['p2'] }], pages: [page({ page_id: 'p2', notices })] })
      return mount(DefectList, { props: { tone: 'wait', title: '要补正', defects: [defects[0]!], materials: fixed.materials, fixed } }).findAll('li').map((line) => line.classes('done'))
    }
    expect(struck(0)).toEqual([false])
    expect(struck(1)).toEqual([true])
  })
})

describe('looking again', () => {
  it('many hints while one look runs lead to exactly one more, which sees the newest', async () => {
    let state = 0
    const seen: number[] = []
    const look = coalesced(async () => {
      await Promise.resolve()
      seen.push(state)
    })
    const first = look()
    state = 1
    await Promise.all([first, look(), look(), look()])
    expect(seen.length).toBe(2)
    expect(seen.at(-1)).toBe(1)
  })

  it('work that ends at once does not stop the next', async () => {
    let count = 0
    const look = coalesced(async () => void (count += 1))
    await look()
    await look()
    expect(count).toBe(2)
  })
})
