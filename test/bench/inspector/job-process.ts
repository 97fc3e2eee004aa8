/**
 * Writes a journal as a job does: the real machine walked by its events, each entry by the journal's real writer at the
 * moment when it happens. Turn after turn: the caller waits, the agent is heard, it is the caller's turn again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { sessionIdOf } from '../../../src/journal/ids.ts';
import { openJournal, type FirstEntry } from '../../../src/journal/write.ts';
import { VirtualSession } from '../../contract/virtual-session.ts';
import type { FromJob, ToJob, Written } from './job-messages.ts';

const [directory = '', name = ''] = process.argv.slice(2);
const tell = (message: FromJob) => process.send?.(message);
const call = await new VirtualSession({ policy: { maxDurationMs: 7_200_000 } }).converse();
const session = sessionIdOf(name);
const [opened, ...begun] = call.entries;
const journal = await openJournal({
  directory,
  session,
  file: 1,
  first: { kind: 'session.opened', data: { ...(opened?.data as object), session } } as FirstEntry,
});
for (const { kind, data } of begun) journal.append(kind, data);
await journal.durable();
let taken = call.entries.length;

/** What the machine did since the last step, written now. @returns what has to be lit then */
function write(): Written | undefined {
  const at = performance.timeOrigin + performance.now();
  let lit: string[] | undefined;
  for (; taken < call.entries.length; taken += 1) {
    const entry = call.entries[taken];
    if (!entry) break;
    journal.append(entry.kind, entry.data);
    if (entry.kind === 'transition' && entry.data.machine === 'session') lit = entry.data.to;
  }
  return lit && { at, lit: lit.map((state) => state.replaceAll('.', '_')).toSorted() };
}

const turn = [{ type: 'caller.waits', awaits: 'llm', isTurn: true }, { type: 'agent.audible' }, { type: 'dialogue.moved' }] as const; // prettier-ignore

async function steps({ count, everyMs, everyMostMs }: ToJob): Promise<void> {
  const written: Written[] = [];
  for (let step = 0; step < count; step += 1) {
    await sleep(everyMs + ((step * 7_919) % (everyMostMs - everyMs)));
    call.send(turn[step % turn.length] ?? turn[0]);
    await call.clock.advance(1);
    const one = write();
    if (one) written.push(one);
  }
  await journal.durable();
  tell({ type: 'written', steps: written });
}

process.on('message', (asked: ToJob) => void steps(asked));
process.once('disconnect', () => process.exit(0));
tell({ type: 'ready' });
