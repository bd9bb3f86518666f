// Materials of a case as the list shows them (pure).
import type { Schemas } from '../../kit'
import { t } from '../../kit'

type Material = Schemas['MaterialView']
type Page = Schemas['PageView']
type Defect = Schemas['Defect']

/** Pages that count: not removed, not replaced, in the order in which they came. */
export function livePages(pages: readonly Page[], hidden: ReadonlySet<string> = new Set()): Page[] {
  return pages.filter((page) => !page.removed && !page.replaced_by && !hidden.has(page.page_id))
}

/** The first material that still needs something: necessary ones first. */
export function nextMaterial(materials: readonly Material[]): Material | undefined {
  const open = materials.filter((one) => one.state === 'missing' || one.state === 'fault')
  return open.find((one) => one.necessary) ?? open[0] ?? materials[0]
}

/** Its page was replaced or removed; or its material is complete, with a page that came in after the notice. */
export function mended(defect: Defect, kase: Schemas['CaseView']): boolean {
  if (defect.page_id) {
    const page = kase.pages.find((one) => one.page_id === defect.page_id)
    if (page) return page.removed || page.replaced_by !== null
  }
  const material = kase.materials.find((one) => one.code === defect.material)
  return !defect.page_id && material?.state === 'fine'
    && kase.pages.some((page) => material.pages.includes(page.page_id) && page.notices >= kase.notices.length)
}

/** What the desk asked for and has not come yet, in its order. */
export const toMend = (kase: Schemas['CaseView']): Defect[] =>
  kase.state === 'correction' ? (kase.notices.at(-1)?.defects ?? []).filter((one) => !mended(one, kase)) : []

export function stateWord(material: Material, mend = false): { mark: string; tone: 'good' | 'wait' | 'stop' | 'off'; word: string } {
  switch (material.state) {
    case 'fine':
      if (mend) return { mark: '!', tone: 'wait', word: t('要补正', 'to be corrected') }
      return { mark: '✓', tone: 'good', word: t('齐了', 'complete') }
    case 'fault':
      return { mark: '✕', tone: 'stop', word: t('有一页要重扫', 'a page needs a new scan') }
    case 'waiting':
      return { mark: '…', tone: 'wait', word: t('正在检查', 'being checked') }
    default:
      return material.necessary
        ? { mark: '○', tone: 'off', word: t('还没有', 'missing') }
        : { mark: '○', tone: 'off', word: t('可以后补', 'may follow later') }
  }
}

/** What the page's picture says to the clerk. */
export function verdict(page: Page): { tone: 'info' | 'good' | 'wait' | 'stop'; text: string } {
  if (page.state === 'waiting') return { tone: 'info', text: t('正在检查这一页…', 'Checking this page…') }
  if (page.state === 'fine' && page.blank) {
    const text = t('这一页没有字。是空白背面就留着或删掉;有字请重新扫描。', 'Nothing is written here. A blank back may stay or go; if there is writing, scan it again.')
    return { tone: 'wait', text }
  }
  if (page.state === 'fine') {
    const degrees = Math.abs(page.straightened_mdeg) / 1000
    const turned = degrees >= 0.3 ? t(`,已自动扶正 ${degrees.toFixed(1)}°`, `, straightened by ${degrees.toFixed(1)}°`) : ''
    const text = t(`这一页清楚${turned}。`, `This page is fine${turned}.`)
    // What the engine is not sure of (the same sheet twice?) hinders nobody, but is said.
    return page.faults.length ? { tone: 'wait', text: `${text} ${told(page)}` } : { tone: 'good', text }
  }
  return { tone: 'stop', text: told(page) }
}
const told = (page: Page): string => page.faults.map((fault) => t(fault.zh, fault.en)).join(' ')

/** Where the page is marked. A fault of the whole page (blurred, too dark) frames all of it, in thousandths of its sides. */
export function marks(page: Page): { x: number; y: number; w: number; h: number; label: string }[] {
  const spots = page.faults.flatMap((fault) => (fault.spot ? [{ ...fault.spot, label: '' }] : []))
  if (page.state === 'fault' && !spots.length) return [{ x: 0, y: 0, w: 1000, h: 1000, label: '' }]
  return spots
}
