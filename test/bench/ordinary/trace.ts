/**
 * A trace: what a healthy call of the real AgentSession told, and when. Three voices tell it: our adapters (facts for the
 * ledger, events for the machine), the sounds themselves, and the script of the person on the line (what they wait for).
 * Only the first is given to machine and ledger; the other two judge them.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Greeting, SessionEvent, Transferred, TurnFact } from '../../../machines/index.ts';

/**
 * What takes its time, and may take another one. `rest`: a person who thinks. `given`: one who was given time. `into`: how
 * far into an answer they speak.
 */
export type Cause = 'llm' | 'tts' | 'stt' | 'tool' | 'hook' | 'transfer' | 'rest' | 'given' | 'into';

export type Item =
  | { at: number; fact: TurnFact }
  | { at: number; event: SessionEvent } // told to the machine, and not by the ledger
  | { at: number; hush: true } // our own track was told to be quiet
  | { at: number; settled: 'transfer'; output: Transferred }
  | { at: number; settled: 'greeting' }
  | { at: number; sound: 'agent' | 'caller'; is: 'begins' | 'ends' | 'cut' | 'held' | 'goes on' }
  | { at: number; expects: boolean } // the person waits for an answer, from now on
  | { at: number; waits: Cause; ms: number } // begins now, and takes so long
  | { at: number; part: string } // at rest: here a trace may be taken apart, and put together in another order
  | { at: number; ready: true }; // the caller is there, and the first words may begin

export type Trace = {
  name: string;
  greeting: Greeting;
  items: readonly Item[];
};

/** The traces of a folder, in the order of their names. */
export async function readTraces(directory: string): Promise<Trace[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.json')).toSorted();
  return Promise.all(
    names.map(async (name) => JSON.parse(await readFile(path.join(directory, name), 'utf8')) as Trace),
  );
}

/** Pure. One line an item, so that a difference can be read. */
export const written = ({ items, ...head }: Trace): string =>
  `${JSON.stringify(head).slice(0, -1)},"items":[\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]}\n`;
