// What a person chose for this browser: language and elder mode. Nothing personal.
import { ref, watch, watchEffect } from 'vue'

export type Lang = 'zh' | 'en'

const read = (key: string): string => {
  try {
    return localStorage.getItem(key) ?? ''
  } catch {
    return ''
  }
}
const write = (key: string, value: string): void => {
  try {
    localStorage.setItem(key, value)
  } catch {
    // A browser without storage keeps the choice until the page is left.
  }
}

export const lang = ref<Lang>(read('vc.lang') === 'en' ? 'en' : 'zh')
export const elder = ref(read('vc.elder') === '1')

watchEffect(() => {
  document.documentElement.lang = lang.value === 'zh' ? 'zh-CN' : 'en'
})
watchEffect(() => {
  document.documentElement.toggleAttribute('data-elder', elder.value)
})
// Only what was changed is written: opening a page waits for no disk.
watch(lang, (now) => write('vc.lang', now))
watch(elder, (now) => write('vc.elder', now ? '1' : ''))

// The other windows of this browser (the second screen) follow at once.
addEventListener('storage', (event) => {
  if (event.key === 'vc.lang') lang.value = event.newValue === 'en' ? 'en' : 'zh'
  if (event.key === 'vc.elder') elder.value = event.newValue === '1'
})
