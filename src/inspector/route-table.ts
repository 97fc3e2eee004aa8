/** All that can be asked. docs/inspector.md says the same in words. */
import type { Handler } from './context.ts';
import { endCall, redeliverAgain } from './handlers/act.ts';
import { sendAsset, sendChart, sendPage } from './handlers/file.ts';
import { play, playVoice, sayWhatPlays, streamSound } from './handlers/play.ts';
import { answerRead } from './handlers/read.ts';
import { streamCalls } from './handlers/stream-calls.ts';
import { streamSession } from './handlers/stream-session.ts';
import { giveToken } from './handlers/token.ts';
import type { Route } from './routes.ts';

export const routeTable: readonly Route<Handler>[] = [
  { method: 'GET', path: '/', isGuarded: false, handle: sendPage },
  { method: 'GET', path: '/assets/:name', isGuarded: false, handle: sendAsset },
  { method: 'GET', path: '/chart/:name', isGuarded: false, handle: sendChart },
  { method: 'POST', path: '/api/token', isGuarded: false, handle: giveToken },
  { method: 'GET', path: '/api/read/:name', isGuarded: true, handle: answerRead },
  { method: 'GET', path: '/api/stream/calls', isGuarded: true, handle: streamCalls },
  { method: 'GET', path: '/api/stream/session/:session', isGuarded: true, handle: streamSession },
  { method: 'GET', path: '/api/play', isGuarded: true, handle: sayWhatPlays },
  { method: 'POST', path: '/api/play', isGuarded: true, handle: play },
  { method: 'POST', path: '/api/play/voice', isGuarded: true, handle: playVoice },
  { method: 'GET', path: '/api/stream/sound', isGuarded: true, handle: streamSound },
  { method: 'POST', path: '/api/act/redeliver', isGuarded: true, handle: redeliverAgain },
  { method: 'POST', path: '/api/act/end', isGuarded: true, handle: endCall },
];
