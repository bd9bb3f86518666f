// The state of a print as people say it. "Done" is what the spooler said, never what was hoped.
import { t, type Schemas } from '../../kit'

type Print = Schemas['Print']

const WHY: Record<string, [string, string]> = {
  'media-empty': ['缺纸,请加纸', 'out of paper'],
  'media-needed': ['缺纸,请加纸', 'out of paper'],
  'media-jam': ['卡纸,请取出', 'paper jam'],
  'toner-empty': ['墨粉用完了', 'no toner'],
  'marker-supply-empty': ['墨粉用完了', 'no toner'],
  'cover-open': ['盖子没合上', 'cover open'],
  'door-open': ['盖子没合上', 'door open'],
  offline: ['打印机没开或没插好', 'printer is off'],
  paused: ['打印机暂停了', 'printer is paused'],
}

export function reasonWords(reasons: readonly string[]): string {
  const found = reasons.map((reason) => WHY[reason.replace(/-(error|warning|report)$/, '')]).filter((one) => one !== undefined)
  return found.map(([zh, en]) => t(zh, en)).join(t(',', ', '))
}

export function stateOf(print: Print): { tone: 'good' | 'wait' | 'stop' | 'off'; word: string } {
  const why = reasonWords(print.reasons)
  switch (print.state) {
    case 'done':
      return { tone: 'good', word: t('已打印', 'printed') }
    case 'ticketed':
      return { tone: 'wait', word: print.device ? t('等打印机取件', 'waiting for the printer') : t('正在打开浏览器打印', 'opening the print window') }
    case 'fetched':
      return { tone: 'good', word: print.device ? t('已送到打印机', 'at the printer') : t('已交给浏览器打印,请看纸', 'given to the browser; look at the paper') }
    case 'queued':
    case 'printing':
      return { tone: 'wait', word: why || t('正在打印', 'printing') }
    case 'held':
    case 'stopped':
      return { tone: 'stop', word: why || t('打印机停了,请看面板', 'the printer stopped') }
    default:
      return { tone: 'stop', word: t('没打成', 'not printed') + (why ? t(`:${why}`, `: ${why}`) : '') }
  }
}

/** There is (or should be) paper: hand-over may begin. */
export function isDone(print: Print): boolean {
  return print.state === 'done' || (print.state === 'fetched' && !print.device)
}
