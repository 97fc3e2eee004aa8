/**
 * How much a journal takes: a real call at human speed, eight turns of it, and what two hours of the same would be. What
 * is written since replays and resumption are meant to read it stands beside the rest, and what it takes from the loop.
 *
 *   npm run bench:growth      two minutes on a quiet machine; writes docs/benchmarks.md
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { llm } from '@livekit/agents';
import { test } from 'vitest';
import type { Entry } from '../../src/journal/entry.ts';
import { shares, STRANGERS_BYTES } from '../../src/journal/shares.ts';
import { openJournal } from '../../src/journal/write.ts';
import { withinBudget } from '../../src/journal/within-budget.ts';
import { Requests } from '../../src/livekit/observe/requests.ts';
import { Pace } from '../../src/testing/lab/pace.ts';
import { toolNamed } from '../faults/plain.ts';
import { plain, playHealthy } from '../ordinary/harness/call.ts';
import { quickly } from '../ordinary/harness/wits.ts';
import { withSection } from './figures.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

const TURNS = 8;
const HOURS_MS = 2 * 3_600_000;
/** Sequence, times and checksum are in the entry, but for the checksum. */
const CHECKSUM_BYTES = 16;
const QUESTION = 'And what do you have on a Saturday in the evening, at about eight, for the two of us?';
const ANSWER =
  'On Saturday at eight there is a table by the window, and one in the garden. The one in the garden is a little cooler, and we would keep it for you until a quarter past';

type Part = 'audible' | 'request' | 'items of tools' | 'the SDK’s JSON of items' | 'all else';
const parts: readonly Part[] = ['audible', 'request', 'items of tools', 'the SDK’s JSON of items', 'all else'];

/** What an entry takes, part by part. */
const bytesOf = (entry: Entry): [Part, number][] => {
  const bytes = Buffer.byteLength(JSON.stringify(entry)) + CHECKSUM_BYTES;
  if (entry.kind === 'audible' || entry.kind === 'request') return [[entry.kind, bytes]];
  if (entry.kind !== 'item') return [['all else', bytes]];
  if (entry.data.role === 'tool') return [['items of tools', bytes]];
  const { sdk: _, speech: __, ...words } = entry.data;
  const before = Buffer.byteLength(JSON.stringify({ ...entry, data: words })) + CHECKSUM_BYTES;
  return [
    ['all else', before],
    ['the SDK’s JSON of items', bytes - before],
  ];
};

const isNew = (entry: Entry): boolean => bytesOf(entry).some(([part]) => part !== 'all else');

const cpuMs = (work: () => void): number => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

test('bench:growth', { timeout: 300_000 }, async () => {
  let entries: readonly Entry[] = [];
  let began = 0;
  let ended = 0;
  let answers = 0;
  const lookUp = toolNamed('look_up', async () => ({ tables: ['window', 'garden'], until: '20:15' }));
  await playHealthy(
    'growth',
    {
      agent: plain([lookUp]),
      script: (asked) =>
        asked.includes('garden') ? quickly(`${ANSWER} ${(answers += 1)}.`) : { calls: ['look_up'], firstMs: 600 },
    },
    async ({ caller }) => {
      for (let turn = 0; turn < TURNS; turn += 1) {
        if (turn === 1) began = entries.length;
        await caller.says(QUESTION);
        await caller.listensTo(`a quarter past ${turn + 1}.`);
      }
      ended = entries.length;
    },
    { pace: new Pace('typical', 1), watch: (placed) => (entries = placed.entries) },
  );
  const counted = entries.slice(began, ended);
  const ms = counted.at(-1)!.at - counted[0]!.at;
  const sums = new Map<Part, number>();
  for (const [part, bytes] of counted.flatMap(bytesOf)) sums.set(part, (sums.get(part) ?? 0) + bytes);
  const inTwoHours = (part: Part) => ((sums.get(part) ?? 0) * HOURS_MS) / ms;
  // One request in a hundred says all ids.
  const requests = (counted.filter(({ kind }) => kind === 'request').length * HOURS_MS) / ms;
  const ids = (counted.filter(({ kind }) => kind === 'item').length * HOURS_MS) / ms;
  const whole = (requests / 100) * (ids / 2) * '"item_0123456789ab",'.length;
  const bytes = new Map(parts.map((part) => [part, inTwoHours(part) + (part === 'request' ? whole : 0)]));
  const after = [...bytes.values()].reduce((sum, each) => sum + each, 0);
  const before = bytes.get('all else')!;

  const directory = mkdtempSync(join(tmpdir(), 'lastword-growth-'));
  const turns = (TURNS - 1) * 100;
  let appendMs = 0;
  for (const [session, chosen] of [
    [sessionIdOf('with'), counted],
    [sessionIdOf('without'), counted.filter((entry) => !isNew(entry))],
  ] as const) {
    const journal = withinBudget(await openJournal({ directory, session, file: 1 }));
    const took = cpuMs(() => {
      for (let each = 0; each < 100; each += 1)
        for (const { kind, data } of chosen) journal.append(kind, data as never);
    });
    await journal.close();
    appendMs += session === 'with' ? took : -took;
  }
  rmSync(directory, { recursive: true });
  const items = Array.from({ length: 1_500 }, (_, each) =>
    llm.ChatMessage.create({ role: 'user', content: `${each}` }),
  );
  const asked = new Requests({ recorder: { append: () => 1, durable: async () => {} } });
  for (const { id } of items) asked.holds(id);
  const requestMs = cpuMs(() => {
    for (let each = 0; each < 500; each += 1)
      asked.made('a', new llm.ChatContext(items.slice(0, 1_000 + each)), llm.ToolContext.empty());
  });

  const kib = (value: number) => `${Math.round(value / 1024).toLocaleString('en-US')} KiB`;
  const body = `
## What a journal takes

\`npm run bench:growth\`: ${TURNS - 1} turns of a real AgentSession at human speed (a question of ${QUESTION.length} characters, a tool, an answer of ${ANSWER.length}; ${(ms / (TURNS - 1) / 1000).toFixed(0)} s a turn), and what two hours of them would be; ${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}.

| of a call of two hours | bytes | share |
| --- | --- | --- |
${parts.map((part) => `| ${part === 'all else' ? 'all else: what was there before' : part} | ${kib(bytes.get(part)!)} | ${shareOf(part)} |`).join('\n')}
| **before** | ${kib(before)} | |
| **now** (×${(after / before).toFixed(2)}) | ${kib(after)} | ${kib(STRANGERS_BYTES)} of whatever others choose |

CPU of the event loop for one turn: ${(appendMs / turns).toFixed(2)} ms more for the entries, ${(requestMs / 500).toFixed(2)} ms for a request with 1,250 items before it.
`;
  console.log(body);
  const file = new URL('../../docs/benchmarks.md', import.meta.url);
  writeFileSync(file, withSection(readFileSync(file, 'utf8'), 'bench:growth', body));
});

const shareOf = (part: Part): string => {
  const of = {
    audible: 'heard',
    request: 'requests',
    'items of tools': 'history',
    'the SDK’s JSON of items': 'history',
  };
  const share = part === 'all else' ? undefined : (of[part] as keyof typeof shares);
  return share === undefined ? '' : `of ${shares[share] / 1024 / 1024} MiB`;
};
