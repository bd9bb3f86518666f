import { mount } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'
import HangUp from '../src/call/HangUp.vue'

describe('hanging up', () => {
  const made = () => mount(HangUp, { slots: { default: '挂断' }, attachTo: document.body })

  it('the red button ends the call at once', async () => {
    const button = made()
    await button.trigger('click', { detail: 1 })
    expect(button.emitted('end')).toHaveLength(1)
  })

  it('the keyboard is asked once', async () => {
    const button = made()
    await button.trigger('click', { detail: 0 })
    expect(button.emitted('end')).toBeUndefined()
    expect(button.text()).toContain('再按一次')
    await button.trigger('click', { detail: 0 })
    expect(button.emitted('end')).toHaveLength(1)
  })
})
