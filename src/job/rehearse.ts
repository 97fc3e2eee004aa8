/**
 * What a call needs in its first instants, done beforehand in a process that waits for one: code that runs for the first
 * time is interpreted, and the journal, the machine and its effects took 25 ms of the way to `connect()`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { defaultPolicy, endOf } from '../../machines/index.ts';
import { type SessionId, sessionIdOf } from '../journal/ids.ts';
import { openJournal } from '../journal/write.ts';
import { type SessionEffects, runSession } from '../session/run.ts';
import { rehearseMedia } from './rehearse-media.ts';

/** So often has V8 seen the code that matters when it compiles it. */
const ROUNDS = 6;

const never = () => new Promise<never>(() => {});
const atOnce = async () => {};
const silent = () => {};

/**
 * Plays short sessions to nobody, in a folder that is gone afterwards. Never rejects.
 * @param kept what `prewarm` left for the calls of this process
 */
export async function rehearse(isWanted: () => boolean, kept: Record<string, unknown> = {}): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'lastword-rehearsal-')).catch(() => undefined);
  if (directory === undefined) return; // a full disk is no call's trouble yet
  try {
    for (let round = 1; round <= ROUNDS && isWanted(); round += 1)
      await playOnce(directory, sessionIdOf(`rehearsal-${round}`));
    if (isWanted()) await rehearseMedia(isWanted, kept);
  } catch {
    // the call itself will say what is wrong
  } finally {
    await rm(directory, { recursive: true, force: true }).catch(silent);
  }
}

async function playOnce(directory: string, session: SessionId): Promise<void> {
  const first = { kind: 'log', data: { level: 'info', message: 'rehearsal' } } as const;
  const journal = await openJournal({ directory, session, file: 1, first });
  const log = { debug: silent, info: silent, warn: silent, error: silent, child: () => log };
  const effects: SessionEffects = {
    connect: atOnce,
    startSession: atOnce,
    awaitCaller: async () => ({ identity: 'nobody' }),
    speak: never,
    hold: never,
    transfer: never,
    mend: atOnce,
    drain: atOnce,
    interrupt: atOnce,
    hangUp: async () => ({ verified: true }),
    close: atOnce,
    sendReport: () => journal.durable(),
  };
  const input = { policy: defaultPolicy, resumed: false, elapsedMs: 0, greeting: 'say', goodbye: false } as const;
  const run = runSession({ input, recorder: journal, log });
  run.start(effects);
  await setTimeout(2);
  run.send({ type: 'session.end', end: endOf('system', 'rehearsed'), drain: false });
  await run.closed;
  await journal.close();
}
