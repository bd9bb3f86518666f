import { mount } from '@vue/test-utils'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { h } from 'vue'
import KButton from '../src/kit/KButton.vue'
import { allKeys, nameOf, useKey } from '../src/kit/keys'

const press = (key: string, target: EventTarget = document.body, more: KeyboardEventInit = {}) =>
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }))
afterEach(() => void (document.body.innerHTML = ''))

describe('the registry of keys', () => {
  it('spells keys as they are written on the buttons', () => {
    expect(nameOf({ key: 'a', ctrlKey: false, altKey: false, metaKey: false })).toBe('A')
    expect(nameOf({ key: 's', ctrlKey: true, altKey: false, metaKey: false })).toBe('Ctrl+S')
    expect(nameOf({ key: 'F4', ctrlKey: false, altKey: false, metaKey: false })).toBe('F4')
  })

  it('the newest owner of a key has it, and gives it back', () => {
    const [below, above] = [vi.fn(), vi.fn()]
    const drop = useKey({ key: 'Escape', label: () => 'below', press: below })
    const close = useKey({ key: 'Escape', label: () => 'above', press: above })
    press('Escape')
    close()
    press('Escape')
    drop()
    press('Escape')
    expect([above.mock.calls.length, below.mock.calls.length]).toEqual([1, 1])
  })

  it('an open dialog has the keyboard: Escape closes it and acts on nothing below', () => {
    document.body.innerHTML = '<dialog open><button>关闭</button></dialog>'
    const below = vi.fn()
    const drop = useKey({ key: 'Escape', label: () => 'below', press: below })
    expect(press('Escape', document.querySelector('button')!)).toBe(true)
    drop()
    expect(below).not.toHaveBeenCalled()
  })

  it('letters typed into an entry stay letters; function keys work everywhere', () => {
    document.body.innerHTML = '<input id="name" type="text">'
    const field = document.getElementById('name')!
    const [letter, scan] = [vi.fn(), vi.fn()]
    const drops = [useKey({ key: 'A', label: () => 'approve', press: letter }), useKey({ key: 'F4', label: () => 'files', press: scan })]
    press('a', field)
    press('F4', field)
    press('a')
    expect([letter.mock.calls.length, scan.mock.calls.length]).toEqual([1, 1])
    for (const drop of drops) drop()
  })

  it('Enter on a button presses that button, not the primary action', () => {
    document.body.innerHTML = '<button id="other">x</button><input id="field">'
    const next = vi.fn()
    const drop = useKey({ key: 'Enter', label: () => 'next', press: next })
    press('Enter', document.getElementById('other')!)
    press('Enter', document.getElementById('field')!)
    drop()
    expect(next).toHaveBeenCalledTimes(1)
  })

  it('Enter in a form belongs to the form: a search does not answer the call that begins to ring', () => {
    document.body.innerHTML = '<form><input id="field" type="search"></form>'
    const answer = vi.fn()
    const drop = useKey({ key: 'Enter', label: () => 'answer', press: answer })
    press('Enter', document.getElementById('field')!)
    press('Enter', document.body)
    drop()
    expect(answer).toHaveBeenCalledTimes(1)
  })

  it('while a word is being composed (Chinese input) Enter belongs to the input method', () => {
    const next = vi.fn()
    const drop = useKey({ key: 'Enter', label: () => 'next', press: next })
    press('Enter', document.body, { isComposing: true })
    drop()
    expect(next).not.toHaveBeenCalled()
  })
})

describe('a button with a key', () => {
  it('is in the overview by its own words and leaves with the button', () => {
    const button = mount(KButton, { props: { hotkey: 'F9' }, slots: { default: () => h('i', '打印') }, attachTo: document.body })
    expect(allKeys().find((key) => key.key === 'F9')?.label()).toBe('打印')
    expect(button.attributes('aria-keyshortcuts')).toBe('F9')
    button.unmount()
    expect(allKeys().some((key) => key.key === 'F9')).toBe(false)
  })
})
