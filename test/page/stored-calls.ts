/** A directory of calls as the page is shown them: over, crashed, never begun, hostile, and one that still goes on. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Entry, SessionJournal } from '../../src/journal/entry.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { lineOf } from '../../src/journal/line.ts';
import { crashedCall, unopenedCall, wholeCall } from '../contract/sessions.ts';
import { VirtualSession } from '../contract/virtual-session.ts';

export const HOSTILE = '<img src=x onerror="document.title=`owned`"><script>document.title="owned"</script>\u202Eevil';

export type StoredCalls = {
  directory: string;
  /** Of the call `talks`, which is over. */
  talks: Entry[];
  /** What the living call writes next, entry by entry. */
  rest: Entry[];
  /** The living call goes on: so many entries, or all that there are. */
  goOn(count?: number): void;
  remove(): void;
};

/** A caller who waits for the model, hears the answer, waits for the next, hears fillers, and leaves. */
async function talkingCall(): Promise<Entry[]> {
  const call = await new VirtualSession().converse();
  const audible = (who: 'caller' | 'agent', change: 'begins' | 'ends') =>
    call.note(
      'audible',
      who === 'caller' ? { who, change } : { who, change, agent: 'receptionist', speech: 'speech_1' },
    );
  const item = (id: string, role: 'user' | 'assistant', text: string) =>
    call.note('item', { id, role, text, interrupted: false, createdAt: call.clock.now });
  await call.clock.advance(1_200);
  audible('caller', 'begins');
  await call.clock.advance(2_300);
  audible('caller', 'ends');
  item('item_1', 'user', 'A table for two at seven, please.');
  call.send({ type: 'caller.waits', awaits: 'llm', isTurn: true });
  await call.clock.advance(1_800);
  audible('agent', 'begins');
  call.send({ type: 'agent.audible' });
  await call.clock.advance(2_600);
  audible('agent', 'ends');
  item('item_2', 'assistant', 'There is one, by the window. Under which name?');
  call.send({ type: 'dialogue.moved' });
  await call.clock.advance(900);
  audible('caller', 'begins');
  await call.clock.advance(1_100);
  audible('caller', 'ends');
  item('item_3', 'user', 'Under Lovelace.');
  call.send({ type: 'caller.waits', awaits: 'llm', isTurn: true });
  await call.clock.advance(14_000);
  call.leaves();
  await call.report();
  return call.entries;
}

const renamed = (journal: SessionJournal, session: string): SessionJournal =>
  JSON.parse(JSON.stringify({ ...journal, session: sessionIdOf(session) })) as SessionJournal;

/** The same call as a journal would have it in which no filler was heard: its caller sat in silence. */
const withoutFillers = (entries: readonly Entry[]): Entry[] => {
  const isFiller = ({ kind, data }: Entry) =>
    (kind === 'spoken' && data.line !== 'greeting') ||
    (kind === 'event' && data.type === 'line.audible' && data['line'] !== 'greeting');
  return entries.filter((entry) => !isFiller(entry)).map((entry, place): Entry => ({ ...entry, seq: place + 1 }));
};

export async function storedCalls(): Promise<StoredCalls> {
  const directory = mkdtempSync(join(tmpdir(), 'lastword-page-'));
  const write = (session: string, name: string, entries: readonly Entry[]) => {
    const folder = join(directory, 'sessions', session);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.jsonl`), entries.map((entry) => lineOf(entry)).join(''));
  };
  const put = ({ session, epochs, keeper }: SessionJournal) => {
    for (const { epoch, entries } of epochs) write(session, String(epoch), entries);
    if (keeper.length > 0) write(session, 'keeper', keeper);
  };
  const talks = await talkingCall();
  write('talks', '1', talks);
  write('silent', '1', withoutFillers(talks));
  put(wholeCall());
  put(renamed(crashedCall(), 'crashed'));
  put(renamed(unopenedCall(), 'unopened'));
  const spoilt = JSON.stringify(renamed(wholeCall(), 'hostile'), (name, value: unknown) =>
    typeof value === 'string' && ['text', 'message', 'agent', 'detail', 'metadata'].includes(name) ? HOSTILE : value,
  );
  put(JSON.parse(spoilt) as SessionJournal);
  const first = talks.findIndex(({ kind, data }) => kind === 'event' && data.type === 'caller.waits');
  write('lives', '1', talks.slice(0, first));
  const rest = talks.slice(first);
  const path = join(directory, 'sessions', 'lives', '1.jsonl');
  return {
    directory,
    talks,
    rest,
    goOn: (count = rest.length) =>
      appendFileSync(
        path,
        rest
          .splice(0, count)
          .map((entry) => lineOf(entry))
          .join(''),
      ),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
