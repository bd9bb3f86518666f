// Camera and microphone of this PC, and what to say when there is none.
import { ApiError } from '../kit/api'

export interface DeviceChoice {
  audio: string
  video: string
}

/** VGA at 25 pictures a second is what a village line carries; the paper itself goes as scanned pages. */
export function wanted(choice: DeviceChoice): MediaStreamConstraints {
  return {
    audio: { echoCancellation: true, noiseSuppression: true, ...(choice.audio && { deviceId: { ideal: choice.audio } }) },
    video: {
      width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25, max: 25 },
      ...(choice.video && { deviceId: { ideal: choice.video } }),
    },
  }
}

/** Sound and picture, or whichever of the two there is. Throws only when there is neither. */
export async function openDevices(choice: DeviceChoice): Promise<{ stream: MediaStream; missing: ('audio' | 'video')[] }> {
  const media = navigator.mediaDevices
  if (!media) throw deviceError(new DOMException('', 'SecurityError'))
  const { audio, video } = wanted(choice)
  try {
    return { stream: await media.getUserMedia({ audio, video }), missing: [] }
  } catch (both) {
    const sound = await media.getUserMedia({ audio }).catch(() => null)
    if (sound) return { stream: sound, missing: ['video'] }
    const picture = await media.getUserMedia({ video }).catch(() => null)
    if (picture) return { stream: picture, missing: ['audio'] }
    throw deviceError(both)
  }
}

export function deviceError(error: unknown): ApiError {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'NotAllowedError') {
    return new ApiError('camera_denied', '浏览器没有允许使用摄像头和话筒。', 'The browser does not allow camera and microphone.',
      '请点地址栏左边的图标,把摄像头和话筒都改为"允许",再按一次。', 'Allow both at the left of the address bar, then try again.')
  }
  if (name === 'NotReadableError') {
    return new ApiError('camera_busy', '摄像头正被别的程序占用。', 'Another program is using the camera.',
      '请关掉其他视频软件,再按一次。', 'Close it, then try again.')
  }
  if (name === 'SecurityError') {
    return new ApiError('camera_insecure', '这个网址不能使用摄像头。', 'This address may not use the camera.',
      '请用 https 开头的网址,或在本机打开。', 'Open the page over https.')
  }
  return new ApiError('camera_missing', '没有找到摄像头和话筒。', 'No camera or microphone was found.',
    '请检查插头,或改用别的电脑;材料仍可提交,稍后回呼。', 'Check the plugs; the case can still be submitted.')
}

export interface DeviceList {
  audio: MediaDeviceInfo[]
  video: MediaDeviceInfo[]
}

export async function listDevices(): Promise<DeviceList> {
  const found = (await navigator.mediaDevices?.enumerateDevices()) ?? []
  const kind = (name: MediaDeviceKind): MediaDeviceInfo[] => found.filter((device) => device.kind === name && device.deviceId)
  return { audio: kind('audioinput'), video: kind('videoinput') }
}
