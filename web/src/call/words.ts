// The line in words, for people who do not know what a round trip is.
import { t } from '../kit/i18n'
import type { LineState } from './socket'
import type { LineWord } from './wire'
import type { MediaState } from './client'

type Tone = 'good' | 'wait' | 'stop' | 'off'

export function lineWord(state: LineState): { tone: Tone; word: string } {
  return {
    connecting: { tone: 'wait' as const, word: t('正在连接', 'connecting') },
    open: { tone: 'good' as const, word: t('畅通', 'good') },
    reconnecting: { tone: 'stop' as const, word: t('断开,正在重连', 'down, reconnecting') },
    closed: { tone: 'off' as const, word: t('未连接', 'not connected') },
  }[state]
}

export function pictureWord(media: MediaState, word: LineWord | undefined): { tone: Tone; word: string } {
  if (media === 'off') return { tone: 'off', word: t('未接通', 'not connected') }
  if (media === 'connecting') return { tone: 'wait', word: t('正在接通画面', 'connecting the picture') }
  if (media === 'reconnecting') return { tone: 'wait', word: t('画面断了,正在接回', 'picture lost, coming back') }
  if (word === 'poor') return { tone: 'stop', word: t('很卡,可先关摄像头', 'poor: switch the camera off') }
  if (word === 'fair') return { tone: 'wait', word: t('有些卡', 'fair') }
  return { tone: 'good', word: t('清楚', 'clear') }
}

/** 「前面还有 2 个村,约 6 分钟」. */
export function placeWord(place: number): string {
  if (place <= 0) return t('您排在第一位,窗口有空就接。', 'You are next.')
  const minutes = place * 3
  return t(`前面还有 ${place} 个村,约 ${minutes} 分钟。`, `${place} ahead of you, about ${minutes} min.`)
}
