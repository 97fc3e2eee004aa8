/** The process of the page beside a call in the terminal. Started by page.ts; ends with the channel. */
import { openInspector, type Inspector } from '../inspector/open.ts';
import { Playground } from '../inspector/playground.ts';
import { messageOf } from '../errors/thrown.ts';
import type { FromPage, ToPage } from './page.ts';

const say = (message: FromPage) => void process.send?.(message);
let playground: Playground | undefined;
let inspector: Promise<Inspector> | undefined;

process.on('message', (message: ToPage) => {
  if (message.type === 'heard') return playground?.heard(message.sound);
  const { directory, store, session, hasEars } = message;
  playground = new Playground(session, {
    take: (line) => say({ type: 'typed', line }),
    onSeen: () => say({ type: 'seen' }),
    ...(hasEars && { speak: (samples: string) => say({ type: 'voice', samples }) }),
  });
  inspector = openInspector({
    directory,
    store,
    host: '127.0.0.1',
    port: undefined,
    printAddress: (address) => say({ type: 'address', address }),
    warn: () => {},
    parts: { playground },
  });
  return void inspector.catch((error: unknown) => {
    say({ type: 'failed', why: messageOf(error) });
    process.disconnect();
  });
});
const end = () => process.exit(0);
process.once('disconnect', end);
process.once('SIGTERM', end);
process.on('SIGINT', () => {}); // a terminal's Ctrl-C is for the call
