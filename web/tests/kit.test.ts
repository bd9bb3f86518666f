import { mount } from '@vue/test-utils'
import { afterEach, describe, expect, it } from 'vitest'
import { nextTick } from 'vue'
import { ApiError } from '../src/kit/api'
import { list, named, say, t } from '../src/kit/i18n'
import KError from '../src/kit/KError.vue'
import KField from '../src/kit/KField.vue'
import KSteps from '../src/kit/KSteps.vue'
import { elder, lang } from '../src/kit/prefs'
import { go, route } from '../src/kit/route'
import { followTerminal, SecondLink, type SecondState } from '../src/second'

afterEach(() => (lang.value = 'zh'))

describe('both languages', () => {
  it('one switch, remembered, and told to screen readers', async () => {
    expect(t('提交', 'Submit')).toBe('提交')
    lang.value = 'en'
    await nextTick()
    expect([t('提交', 'Submit'), say({ zh: '受理', en: '' }), named({ name: '镇' }), list(['a', 'b'])]).toEqual(['Submit', '受理', '镇', 'a, b'])
    expect([document.documentElement.lang, localStorage.getItem('vc.lang')]).toEqual(['en', 'en'])
  })

  it('elder mode is one attribute of the page', async () => {
    elder.value = true
    await nextTick()
    expect(document.documentElement.hasAttribute('data-elder')).toBe(true)
    elder.value = false
  })
})

describe('an entry', () => {
  it('ties label, hint, advice and error to its control; advice does not make it invalid', async () => {
    const field = mount(KField, { props: { label: '身份证号', modelValue: '', advice: '最后一位不对', hint: '18 位' }, attrs: { 'data-test': 'id', class: 'grow' } })
    const input = field.get('input')
    expect(field.get('label').attributes('for')).toBe(input.attributes('id'))
    for (const id of input.attributes('aria-describedby')!.split(' ')) expect(field.find(`[id="${id}"]`).exists()).toBe(true)
    expect([input.attributes('aria-invalid'), input.attributes('data-test'), field.classes('grow'), input.classes('grow')]).toEqual([undefined, 'id', true, false])
    await field.setProps({ error: '要填' })
    expect(input.attributes('aria-invalid')).toBe('true')
  })

  it('a choice offers its words and an empty start', () => {
    const field = mount(KField, { props: { label: '等级', modelValue: '', kind: 'choice', choices: ['一级', { value: '2', label: '二级' }] } })
    expect(field.findAll('option').map((option) => option.text())).toEqual(['', '一级', '二级'])
  })
})

it('a refusal says what happened, what to do, and its code', () => {
  const shown = mount(KError, { props: { error: new ApiError('not_issued', '证照还没有出。', 'Not issued.', '请稍等。', 'Wait.') } })
  expect(shown.get('[role=alert]').text()).toContain('证照还没有出。')
  expect([shown.text().includes('请稍等。'), shown.attributes('data-code')]).toEqual([true, 'not_issued'])
})

it('the rail says its states in words, not only in colours', () => {
  const rail = mount(KSteps, {
    props: { label: '四步', shown: 'scan', steps: [{ key: 'intake', label: '初审', state: 'done' }, { key: 'scan', label: '扫描', state: 'now' }, { key: 'video', label: '视频', state: 'later' }] },
  })
  const buttons = rail.findAll('button')
  expect(buttons.map((button) => button.text()).map((text) => /已完成|进行中|还没到/.exec(text)?.[0])).toEqual(['已完成', '进行中', '还没到'])
  expect(buttons.map((button) => [button.attributes('aria-current'), button.attributes('disabled')])).toEqual([[undefined, undefined], ['step', undefined], [undefined, '']])
})

it('places are in the address: reload and the back key find them', () => {
  go({ case: 'c1', step: 'scan' })
  expect(location.search).toBe('?case=c1&step=scan')
  go({ view: 'daybook' })
  expect({ ...route }).toEqual({ view: 'daybook' })
  history.replaceState(null, '', '/?n=7')
  dispatchEvent(new PopStateEvent('popstate'))
  expect({ ...route }).toEqual({ n: '7' })
})

it('the second screen gets the whole state when it opens late, and its acts come back', async () => {
  const link = new SecondLink()
  link.show({ village: '柳溪村' })
  link.show({ screen: 'consent', item: '优待证' })
  const seen: SecondState[] = []
  const acts: unknown[] = []
  const stop = link.listen((act) => acts.push(act))
  const answer = followTerminal((state) => seen.push(state))
  await new Promise((done) => setTimeout(done, 60))
  expect(seen.at(-1)).toMatchObject({ screen: 'consent', item: '优待证', village: '柳溪村', bring: [] })
  answer({ act: 'rate', level: 5 })
  await new Promise((done) => setTimeout(done, 60))
  stop()
  answer({ act: 'agree' })
  await new Promise((done) => setTimeout(done, 60))
  expect(acts).toMatchObject([{ act: 'rate', level: 5 }])
})
