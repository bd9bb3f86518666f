// Where a case stands on the rail of four, read from the case alone.
import type { StepMark } from '../../kit/KSteps.vue'
import { t } from '../../kit'
import type { CaseView } from './store'

export type StepKey = 'intake' | 'scan' | 'video' | 'print'

const INTAKE = ['draft', 'correction']
const REVIEW = ['submitted', 'accepted', 'in_review']
const OVER = ['withdrawn', 'not_accepted', 'terminated', 'suspended']

/** The step that is to be done now. */
export function naturalStep(kase: CaseView): StepKey {
  if (kase.state === 'correction') return 'scan'
  if (INTAKE.includes(kase.state)) return kase.applicant ? 'scan' : 'intake'
  if (REVIEW.includes(kase.state) || OVER.includes(kase.state)) return 'video'
  return 'print'
}

const ORDER: StepKey[] = ['intake', 'scan', 'video', 'print']

export function stepMarks(kase: CaseView | null): StepMark[] {
  const label = { intake: t('初审', 'Check'), scan: t('扫描', 'Scan'), video: t('视频', 'Video'), print: t('打印', 'Print') }
  if (!kase) return ORDER.map((key) => ({ key, label: label[key], state: 'later' }))
  const now = ORDER.indexOf(naturalStep(kase))
  const finished = ['closed', 'archived'].includes(kase.state)
  return ORDER.map((key, at) => {
    const state = at < now || finished ? 'done' : at === now ? 'now' : key === 'scan' && kase.applicant ? 'open' : 'later'
    return { key, label: label[key], state, note: noteOf(kase, key) }
  })
}

function noteOf(kase: CaseView, key: StepKey): string {
  if (key === 'scan' && kase.state === 'correction') return t('待补正', 'to correct')
  if (key === 'video' && kase.call?.state === 'waiting') return t('等候接听', 'waiting')
  if (key === 'video' && kase.call?.state === 'active') return t('通话中', 'in a call')
  if (key === 'video' && OVER.includes(kase.state)) return t(kase.state_zh, kase.state_en)
  if (key === 'print' && kase.state === 'approved') return t('正在出证', 'being issued')
  return ''
}
