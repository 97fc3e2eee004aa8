/** Hangs up once and does nothing else: `hang-up-main.js URL ROOM DEADLINE_MS`. Nothing may keep it alive after that. */
import { openRooms } from '../../src/rooms/server-api.ts';

const [url = '', room = '', deadlineMs = ''] = process.argv.slice(2);
const rooms = openRooms({ url, apiKey: 'key', apiSecret: 'secret-that-is-long-enough-for-a-token' });
const result = await rooms.hangUp({
  room,
  strategy: 'delete-room',
  signal: AbortSignal.timeout(Number(deadlineMs)),
});
process.stdout.write(JSON.stringify(result));
