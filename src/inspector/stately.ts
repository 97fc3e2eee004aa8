/**
 * A journal in the words of Stately's inspector (`@statelyai/inspect` 0.7, XState 5): actors, events, snapshots. It is fed
 * from the journal, living or stored, and never from the actor in the audio process; a move to another format changes this
 * file alone. Pure.
 *
 *   T1  Names of states, events and effects, and no texts, unless they are asked for.
 *   T2  Limits and effects have our words: XState's own names for them are nobody's business.
 */
import { plainConfig, recoveryMachine, sessionMachine, supervisionMachine, type Plain } from '../../machines/index.ts';
import type { Entry, MachineName } from '../journal/entry.ts';
import type { JournalName } from '../journal/folder.ts';
import type { SessionId } from '../journal/ids.ts';

/** Of the package whose receiver our tests use. */
const FORMAT = '0.7.2';

type Value = string | { [state: string]: Value };
type Common = { rootId: string; sessionId: string; createdAt: string; id: null; _version: string };
type Shown = { status: 'active' | 'done' | 'error'; value?: Value; context?: object; output?: unknown };
type Happened = { type: string; [detail: string]: unknown };
export type StatelyMessage = Common &
  (
    | { type: '@xstate.actor'; name: string; definition: string; parentId: string | undefined; snapshot: Shown }
    | { type: '@xstate.event'; event: Happened; sourceId: string | undefined }
    | { type: '@xstate.snapshot'; event: Happened; snapshot: Shown }
  );

const machines = { session: sessionMachine, recovery: recoveryMachine, supervision: supervisionMachine } as const;

/** *Pure.* `['live.a.x', 'live.b.y']` → `{ live: { a: 'x', b: 'y' } }`. */
export function valueOf(leaves: readonly string[]): Value {
  const [first = ''] = leaves;
  if (leaves.length === 1 && !first.includes('.')) return first;
  const inner = new Map<string, string[]>();
  for (const leaf of leaves) {
    const [name = '', ...rest] = leaf.split('.');
    inner.set(name, [...(inner.get(name) ?? []), ...(rest.length > 0 ? [rest.join('.')] : [])]);
  }
  return Object.fromEntries([...inner].map(([name, rest]) => [name, rest.length > 0 ? valueOf(rest) : {}]));
}

const isOver = (machine: MachineName, [leaf = '']: readonly string[]): boolean =>
  (machines[machine].states as Record<string, { type?: string } | undefined>)[leaf]?.type === 'final';

/** One for each session. @returns what each entry, in order, becomes; most become nothing */
export function toStately(
  session: SessionId,
  { withTexts }: { withTexts: boolean },
): (entry: Entry, file: JournalName) => StatelyMessage[] {
  const wholly = (data: object): object => (withTexts ? data : {});

  return (entry, file) => {
    const idOf = (machine: MachineName) => `${session}/${file}/${machine}`;
    const common = (sessionId: string): Common => ({
      rootId: sessionId,
      sessionId,
      createdAt: String(entry.at),
      id: null,
      _version: FORMAT,
    });
    const received = (machine: MachineName, event: Happened): StatelyMessage[] => [
      { ...common(idOf(machine)), type: '@xstate.event', event, sourceId: undefined },
    ];
    switch (entry.kind) {
      case 'machine.began': {
        const { machine } = entry.data;
        const config: { [key: string]: Plain } = plainConfig(machines[machine]);
        const name = `${machine} ${session} ${file}`;
        const definition = JSON.stringify({ ...config, id: name });
        return [
          {
            ...common(idOf(machine)),
            type: '@xstate.actor',
            name,
            definition,
            parentId: undefined,
            snapshot: { status: 'active', context: {} },
          },
        ];
      }
      case 'event': {
        const { type, ...detail } = entry.data;
        const machine = (detail['machine'] as MachineName | undefined) ?? 'session';
        return received(machine, { type, ...wholly(detail) });
      }
      case 'limit':
        return received(entry.data.machine, { type: `after ${entry.data.limit}` });
      case 'transition': {
        const { machine, to, event } = entry.data;
        const snapshot: Shown = { status: isOver(machine, to) ? 'done' : 'active', value: valueOf(to), context: {} };
        return [{ ...common(idOf(machine)), type: '@xstate.snapshot', event: { type: event }, snapshot }];
      }
      case 'effect': {
        const { machine, id, name, phase, output, error } = entry.data;
        const own = { ...common(`${idOf(machine)}/${id}`), rootId: idOf(machine) };
        if (phase === 'requested') {
          const definition = JSON.stringify({ id: name });
          const about = { name, definition, parentId: idOf(machine), snapshot: { status: 'active' as const } };
          return [{ ...own, type: '@xstate.actor', ...about }];
        }
        const status = phase === 'failed' || phase === 'aborted' ? 'error' : 'done';
        const snapshot: Shown = { status, ...wholly({ output: output ?? error }) };
        const ended: StatelyMessage = {
          ...own,
          type: '@xstate.snapshot',
          event: { type: `${name} ${phase}` },
          snapshot,
        };
        const told = phase === 'settled' || phase === 'failed' ? received(machine, { type: `${name} ${phase}` }) : [];
        return [...told, ended];
      }
      default:
        return [];
    }
  };
}
