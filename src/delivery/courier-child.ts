/**
 * The courier: carries deliveries in a process of its own, forked by the keeper. Names, TLS, bodies, disks, modules and
 * patterns are what outsiders choose; whatever they do, it happens here, and this process may be killed.
 * Its arguments: for how long it tries, in milliseconds, and the database's file, from which it reads bodies and nothing
 * else; empty where they come with the rows.
 *
 *   C1  No request before the keeper's `go`: by then the attempt is written down.
 *   C2  Without its keeper it stops at once: the next one makes the next attempt.
 */
import { messageOf } from '../errors/thrown.ts';
import { openSqliteReader, type SqliteReader } from '../store/sqlite-reader.ts';
import type { Destination } from '../link/destination.ts';
import { NO_BODY, type FromCourier, type ToCourier } from './courier-messages.ts';
import { openSender, stopped } from './send.ts';
import { sentTogether } from '../link/sent-together.ts';

/** Of the threads that files and names share (courier-process.ts sets their number): a quarter may hang before we say so. */
const MOST_HUNG = 16;

const say = sentTogether<FromCourier>((messages) => void process.send?.(messages, () => undefined));
const rides = new Map<number, { go: () => void; ending: AbortController }>();
let isWorn = false;
const sender = openSender({
  attemptMs: Number(process.argv[2]),
  onHung: (count) => {
    if (isWorn || count < MOST_HUNG) return;
    isWorn = true;
    say({ type: 'worn' });
  },
  onModule: (pid, isThere) => say({ type: 'module', pid, isThere }),
});

let reader: SqliteReader | undefined;
const bodyOf = (delivery: string): string | undefined => {
  reader ??= openSqliteReader(process.argv[3] ?? '');
  return reader.body(delivery);
};

const destinations = new Map<string, Destination>();
const carry = async ({ ride, to, row, body = bodyOf(row.delivery) }: Extract<ToCourier, { type: 'carry' }>) => {
  const destination = destinations.get(to);
  if (destination === undefined) throw new Error('the courier was not told of this destination');
  if (body === undefined) return say({ type: 'done', ride, outcome: { kind: 'refused', error: NO_BODY } });
  const ending = new AbortController();
  const told = new Promise<void>((resolve) => rides.set(ride, { go: resolve, ending }));
  say({ type: 'begin', ride });
  await told; // C1; whoever is told to leave instead makes no request
  const outcome = ending.signal.aborted
    ? ({ kind: 'failed', error: 'stopped before the request' } as const)
    : await sender.attempt(destination, { ...row, body }, ending);
  rides.delete(ride);
  say({ type: 'done', ride, outcome });
};

const take = (message: ToCourier) => {
  switch (message.type) {
    case 'destination':
      return void destinations.set(message.destination.name, message.destination);
    case 'carry':
      return void carry(message).catch((error: unknown) =>
        say({ type: 'done', ride: message.ride, outcome: { kind: 'unbegun', error: messageOf(error) } }),
      );
    case 'go':
      return rides.get(message.ride)?.go();
    case 'leave': {
      const ride = rides.get(message.ride);
      ride?.ending.abort(stopped());
      return ride?.go();
    }
  }
};
// Each carry reads its body before it waits for anything.
process.on('message', (messages: ToCourier[]) => {
  const takeAll = () => messages.forEach(take);
  if (reader) reader.together(takeAll);
  else takeAll();
});
process.once('disconnect', () => {
  // C2; exit() would wait for the threads, and one that writes to a disk that hangs never comes back.
  process.kill(process.pid, 'SIGKILL');
});
// The keeper's terminal speaks to the keeper.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
