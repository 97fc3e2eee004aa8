/** What a journal says of a conversation while it goes on: whoever dies in the middle of it leaves it to the report. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { llm, voice } from '@livekit/agents';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openBlobs } from '../../src/journal/blobs.ts';
import type { Entry, EntryData } from '../../src/journal/entry.ts';
import { sessionFolder } from '../../src/journal/folder.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { fold } from '../../src/report/fold.ts';
import { assertReport } from '../contract/check-report.ts';
import { place, type Placed } from './harness.ts';
import { agent, answer, answered, LONG, resting, toolNamed, WithTools } from './plain.ts';

const SESSION = sessionIdOf('one');
const GREETING = 'Hello, this is Ada.';

/** The report of the process that dies at this instant. */
const ifItDied = ({ entries }: Placed) => {
  const report = fold({ session: SESSION, epochs: [{ epoch: 1, entries: [...entries], torn: false }], keeper: [] });
  assertReport(report);
  return report.transcript.filter(({ role }) => role !== 'handoff');
};
const wordsOf = (entries: EntryData['audible'][]) => entries.map(({ pii }) => pii?.text ?? '').join('');
const ofAgent = (placed: Placed) => placed.of('audible').filter(({ who }) => who === 'agent');
const sdkOf = (item: EntryData['item']) => item.sdk as Record<string, unknown>;

describe('T13 a reply that was spoken is in the report of a call that dies in the middle of it', () => {
  test('as far as it was played, and interrupted; before it there is nothing, and after it the item', async () => {
    await using placed = await place({ agent, script: () => ({ say: LONG }), greeting: { say: GREETING } });
    await placed.hears(GREETING);
    await resting(placed);
    placed.says('Go on.');
    await placed.hears('This goes on');
    expect(ifItDied(placed).map(({ source }) => source)).toEqual(['item', 'item']);
    const begunAt = Date.now();
    // On a busy machine the first second of it is a word.
    await placed.until('some words of it', () => wordsOf(ofAgent(placed)).length > GREETING.length + 10);
    const died = ifItDied(placed);
    expect(died).toHaveLength(3);
    const { text, ...last } = died[2]!;
    expect(last).toMatchObject({ role: 'assistant', source: 'played', interrupted: true, heard: true });
    expect(LONG.startsWith(text)).toBe(true);
    expect(LONG[text.length]).toBe(' '); // whole words
    // The voice of this lane says a character in 8 ms.
    expect(text.length * 8).toBeLessThan(Date.now() - begunAt + 200);

    await placed.until('it is over', () => placed.of('item').some((item) => item.text === LONG));
    expect(ifItDied(placed).map(({ source, text: said }) => [source, said])).toEqual([
      ['item', GREETING],
      ['item', 'Go on.'],
      ['item', LONG],
    ]);
    expect(wordsOf(ofAgent(placed))).toBe(GREETING + LONG); // each word once
  });

  test('a greeting of ours, and a reply that the caller cut: the item has the last word', async () => {
    await using placed = await place({ agent, script: () => ({ say: LONG }), greeting: { say: LONG } });
    await placed.until('a second of it', () => ofAgent(placed).some(({ change }) => change === 'goes-on'));
    expect(ifItDied(placed)).toMatchObject([{ source: 'played', interrupted: true }]);
    placed.says('Stop that!');
    const cut = await placed.until('it is cut', () => placed.of('item').find(({ interrupted }) => interrupted));
    expect(cut.speech).toBe(ofAgent(placed)[0]?.speech);
    expect(ifItDied(placed).filter(({ source }) => source === 'played')).toEqual([]);
    expect(ofAgent(placed).find(({ change }) => change === 'ends')).toMatchObject({ speech: cut.speech });
    expect(ofAgent(placed).find(({ change }) => change === 'ends')?.isWhole).toBeUndefined();
  });

  test('what is kept out of the history was heard all the same', async () => {
    await using placed = await place({ agent, script: answer });
    await resting(placed);
    (placed.call.session as voice.AgentSession).say('One moment.', { addToChatCtx: false });
    await placed.until('it is over', () => ofAgent(placed).some(({ change }) => change === 'ends'));
    expect(ifItDied(placed)).toMatchObject([{ source: 'played', text: 'One moment.', interrupted: false }]);
  });
});

test('caller and agent begin and end to be heard by turns', async () => {
  await using placed = await place({ agent, script: answer });
  await resting(placed);
  await answered(placed);
  await resting(placed);
  placed.leaves();
  await placed.report();
  const told = placed.of('audible').map(({ who, change }) => `${who} ${change}`);
  expect(told.filter((each) => each.startsWith('agent'))).toEqual(['agent begins', 'agent ends']);
  expect(told.filter((each) => each.startsWith('caller')).slice(0, 2)).toEqual(['caller begins', 'caller ends']);
});

describe('each item as the SDK has it', () => {
  const lookUp = toolNamed('look_up', async () => ({ table: 4 }));
  const script = (asked: string) => (asked.includes('table') ? { say: 'Table four.' } : { calls: ['look_up'] });

  test('messages, calls of tools and what they gave: a new history can be made of them', async () => {
    await using placed = await place({ agent: () => new WithTools([lookUp]), script });
    await resting(placed);
    placed.says('Where do I sit?');
    await placed.hears('Table four');
    await resting(placed);
    const items = placed.of('item').map(sdkOf);
    expect(items.map((item) => item['type'])).toEqual([
      'agent_handoff',
      'message',
      'function_call',
      'function_call_output',
      'message',
    ]);
    const history = (placed.call.session as voice.AgentSession).history.items.filter(
      ({ type }) => type !== 'agent_config_update', // a request has it
    );
    expect(items.map((item) => item['id'])).toEqual(history.map(({ id }) => id));
    const made = history.map((item) => JSON.parse(JSON.stringify(item.toJSON())) as unknown);
    expect(items).toEqual(made);
    expect(llm.FunctionCall.create(items[2] as never)).toMatchObject({ name: 'look_up', args: '{}' });
    // The report has tools where it had them.
    expect(ifItDied(placed).map(({ text }) => text)).toEqual(['Where do I sit?', 'Table four.']);
  });

  test('images lie beside the journal, each once', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'lastword-images-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const bytes = Buffer.from('an image of a table for two');
    const image = `data:image/png;base64,${bytes.toString('base64')}`;
    class Seeing extends voice.Agent {
      override async onUserTurnCompleted(_context: llm.ChatContext, message: llm.ChatMessage): Promise<void> {
        message.content.push(
          llm.createImageContent({ image }),
          llm.createImageContent({ image: 'https://a.example/b' }),
        );
      }
    }
    await using placed = await place({ agent: () => new Seeing({ instructions: 'Look.' }), script: answer });
    const blobs = (placed.job.blobs = openBlobs({ directory, session: SESSION }, placed.job.recorder));
    await resting(placed);
    await answered(placed);
    await resting(placed);
    placed.says('And now?');
    await placed.until('it is answered', () => placed.of('item').filter(({ role }) => role === 'assistant')[1]);
    await blobs.written();
    const [first, second] = placed.of('blob');
    expect(first).toMatchObject({ bytes: bytes.length, mimeType: 'image/png', sha256: second?.sha256 });
    const folder = join(sessionFolder(directory, SESSION), 'blobs');
    expect(await readdir(folder)).toEqual([first?.sha256]);
    expect(await readFile(join(folder, String(first?.sha256)))).toEqual(bytes);
    const said = placed.of('item').find(({ role }) => role === 'user');
    expect(JSON.stringify(said)).not.toContain(bytes.toString('base64'));
    const [, inBlob, linked] = sdkOf(said!)['content'] as { image: unknown }[];
    expect([inBlob?.image, linked?.image]).toEqual([{ blob: first?.ref }, 'https://a.example/b']);
  });
});

describe('each request to a model', () => {
  /** The ids of each request, whole. */
  const askedIn = (placed: Placed): string[][] => {
    const found = new Map<number, string[]>();
    for (const { seq, kind, data } of placed.entries as readonly Entry[]) {
      if (kind !== 'request') continue;
      const before = data.after ? (found.get(data.after.seq) ?? []).slice(0, data.after.count) : [];
      found.set(seq, [...before, ...data.items]);
    }
    return [...found.values()];
  };

  test('ids of all that it was given, its instructions once, its tools by name', async () => {
    const asked: string[][] = [];
    class Noting extends WithTools {
      override async llmNode(...given: Parameters<voice.Agent['llmNode']>): ReturnType<voice.Agent['llmNode']> {
        asked.push(given[0].items.map(({ id }) => id));
        return super.llmNode(...given);
      }
    }
    await using placed = await place({
      agent: () => new Noting([toolNamed('look_up', async () => 'done')]),
      script: (said) => (said === 'done' ? { say: 'It is nine.' } : { calls: ['look_up'] }),
    });
    for (let turn = 0; turn < 3; turn += 1) {
      await resting(placed);
      await answered(placed);
      await placed.until(
        'it is over',
        () => placed.of('item').filter(({ role }) => role === 'assistant').length > turn,
      );
    }
    const requests = placed.of('request');
    expect(requests).toHaveLength(6);
    expect(askedIn(placed)).toEqual(asked);
    expect(requests.map(({ pii }) => pii?.instructions)).toEqual(['Answer.', ...Array(5).fill(undefined)]);
    expect(requests.map(({ pii }) => pii?.items?.length)).toEqual([1, ...Array(5).fill(undefined)]); // its configuration
    expect(new Set(requests.map(({ instructions }) => instructions)).size).toBe(1);
    expect(requests.map(({ tools }) => tools)).toEqual([['look_up'], ...Array(5).fill(undefined)]);
  });

  test('what a hook adds to it is written with it, once', async () => {
    class Retrieving extends voice.Agent {
      override async onUserTurnCompleted(context: llm.ChatContext): Promise<void> {
        context.addMessage({ role: 'assistant', content: 'We open at nine.', id: 'retrieved' });
      }
    }
    await using placed = await place({ agent: () => new Retrieving({ instructions: 'Look.' }), script: answer });
    await resting(placed);
    await answered(placed);
    await resting(placed);
    placed.says('And now?');
    const [first, second] = await placed.until(
      'it is asked again',
      () => placed.of('request')[1] && placed.of('request'),
    );
    // What the agent is, as the SDK puts it into each history; and what the hook added.
    expect(first?.pii?.items).toMatchObject([
      { type: 'agent_config_update', instructions: 'Look.' },
      { id: 'retrieved', content: ['We open at nine.'] },
    ]);
    expect(second?.pii?.items).toBeUndefined();
  });
});
