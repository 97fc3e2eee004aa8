/**
 * One call as one file: the page, and each answer that the page would ask for. It opens from a disk, asks nobody, and
 * shows what the inspector shows.
 *
 *   E1  What callers, models and tools said is left out unless it is asked for: a ticket is read by many.
 *   E2  Its policy allows the script and the style that stand in it, by their hashes, and nothing else: no request, no
 *       other script, whatever a text in it says.
 *   E3  Answers of neighbouring entries are almost the same: what is the same stands there once.
 */
import { createHash } from 'node:crypto';
import type { Entries, EntryRow, MachineAt, ModelSaw, SaidLine, StateAt, WholeEntry } from '../reads/answers.ts';
import { ReadError } from '../reads/refusal.ts';
import type { Source } from '../reads/source.ts';
import { ask } from '../reads/table.ts';
import { messageOf } from '../errors/thrown.ts';
import type { PageFiles } from './files.ts';
import type { EmbeddedAnswers, EmbeddedState } from './page/answers/embedded.ts';
import { withoutTexts } from './withhold.ts';

/** A file of more is nothing that a ticket takes. */
const MOST_ENTRIES = 20_000;
const PAGE_ROWS = 5_000;
const MOST_REQUESTS = 200;

export type ExportOptions = {
  session: string;
  /** E1. */
  withTexts: boolean;
  page: PageFiles;
  charts: PageFiles;
  now: number;
};

/** *Effect.* The text of an HTML file. @throws ReadError, JournalError, StoreError */
export async function exportedCall(source: Source, options: ExportOptions): Promise<string> {
  const [script, style] = ['page.js', 'page.css'].map((name) => options.page.get(name)?.bytes.toString('utf8'));
  if (script === undefined || style === undefined)
    throw new ReadError('NOT_BUILT', 'the page is not there: expected page.js and page.css, got none; npm run build');
  const answers = await embeddedAnswers(source, options);
  return pageWith(script, style, answers);
}

async function embeddedAnswers(source: Source, options: ExportOptions): Promise<EmbeddedAnswers> {
  const { session, withTexts, charts, now } = options;
  const shown = <Value>(value: Value): Value => (withTexts ? value : (withoutTexts(value) as Value));
  const optional = async (name: 'deliveries' | 'report' | 'test'): Promise<unknown> => {
    try {
      return shown(await ask(source, name, { session }));
    } catch {
      return undefined; // what cannot be answered is not in the file, and the page says so
    }
  };
  const all = await allRows(source, session, 'entries');
  const [story, steps] = await Promise.all([allRows(source, session, 'story'), allRows(source, session, 'steps')]);
  const { states, machines, said } = await everyState(source, session, all.rows);
  const whole: WholeEntry[] = [];
  for (const { index } of all.rows) whole.push(shown((await ask(source, 'entry', { session, index })) as WholeEntry));
  const one = {
    why: await ask(source, 'why', { session }),
    lanes: await ask(source, 'lanes', { session }),
    entries: shown({ ...all.page, rows: all.rows, next: null }),
    deliveries: await optional('deliveries'),
    report: await reportOf(source, session, withTexts),
    test: withTexts ? await optional('test') : undefined,
  };
  return {
    version: 1,
    session: all.page.session,
    madeAt: now,
    redaction: withTexts ? '' : 'What callers, models and tools said is left out.',
    one: one as EmbeddedAnswers['one'],
    story: story.rows.map(({ index }) => index),
    steps: steps.rows.map(({ index }) => index),
    states,
    machines: withTexts ? machines : (withoutTexts(machines) as MachineAt[]),
    said: shown(said),
    whole,
    requests: shown(await everyRequest(source, session)),
    charts: Object.fromEntries(
      [...charts].map(([name, { bytes }]) => [name.replace(/\.svg$/, ''), bytes.toString('utf8')]),
    ),
  };
}

async function allRows(source: Source, session: string, density: string): Promise<{ page: Entries; rows: EntryRow[] }> {
  const rows: EntryRow[] = [];
  for (let from = 0; ;) {
    const page = (await ask(source, 'entries', { session, density, from, limit: PAGE_ROWS })) as Entries;
    rows.push(...page.rows);
    if (page.total > MOST_ENTRIES)
      throw new ReadError(
        'BAD_QUESTION',
        `export: expected a call of at most ${MOST_ENTRIES} entries, got ${page.total}; lastword inspect shows it`,
      );
    if (page.next === null) return { page, rows };
    from = page.next;
  }
}

/** E3. */
async function everyState(source: Source, session: string, rows: readonly EntryRow[]) {
  const known = new Map<string, number>();
  const machines: MachineAt[] = [];
  const states: EmbeddedState[] = [];
  let said: SaidLine[] = [];
  for (const { index } of rows) {
    const state = (await ask(source, 'state', { session, index })) as StateAt;
    const places = state.machines.map((machine) => {
      const key = JSON.stringify(machine);
      const place = known.get(key) ?? machines.push(machine) - 1;
      known.set(key, place);
      return place;
    });
    const { ref, at, moved, transcript } = state;
    if (transcript.length > said.length) said = transcript;
    states.push({ index, ref, at, moved, machines: places, said: transcript.length });
  }
  return { states, machines, said };
}

async function everyRequest(source: Source, session: string): Promise<ModelSaw[]> {
  const found: ModelSaw[] = [];
  try {
    const first = (await ask(source, 'model', { session })) as ModelSaw;
    for (const { ref } of first.requests.slice(-MOST_REQUESTS))
      found.push((await ask(source, 'model', { session, ref })) as ModelSaw);
  } catch (error) {
    if (!(error instanceof ReadError)) throw new Error(messageOf(error), { cause: error }); // else: no model was asked
  }
  return found;
}

/** The very text that was sealed holds what was said: without it there is none to show. */
const reportOf = async (source: Source, session: string, withTexts: boolean): Promise<unknown> =>
  withTexts ? await ask(source, 'report', { session }) : undefined;

/** *Pure.* E2. */
function pageWith(script: string, style: string, answers: EmbeddedAnswers): string {
  const code = script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const policy = `default-src 'none'; script-src ${hash(code)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`;
  const data = JSON.stringify(answers).replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lastword</title>
<style>${style}</style>
</head>
<body>
<div id="page"></div>
<script type="application/json" id="answers">${data}</script>
<script type="module">${code}</script>
</body>
</html>
`;
}
