/**
 * Every step of the ending hung in turn, and each pair of steps: by hanging, by hanging after it was heard, by failing.
 * From each state that was entered, `closed` comes within the number that bound.ts computes for it.
 */
import { describe, expect, test } from 'vitest';
import type { AnyStateNode } from 'xstate';
import {
  bounds,
  defaultPolicy,
  endOf,
  sessionContext,
  sessionMachine,
  type SessionEvent,
} from '../../machines/index.ts';
import type { EntryData } from '../../src/journal/entry.ts';
import type { SessionEffects } from '../../src/session/run.ts';
import { VirtualSession } from '../contract/virtual-session.ts';

const table = bounds(sessionMachine, sessionContext(defaultPolicy));

type Fault = 'hangs' | 'hangs after it was heard' | 'fails';
/** Steps by the names under which they are asked for; a line by its rung as well: one may break and the other work. */
const steps = [
  'connect', 'startSession', 'greeting live', 'filler live', 'filler bundled', 'drain', 'interrupt', 'goodbye live',
  'apology live', 'apology bundled', 'hangUp', 'close', 'sendReport',
] as const; // prettier-ignore
type Step = (typeof steps)[number];
const isLine = (step: Step) => step.includes(' ');
const faultsOf = (step: Step): Fault[] =>
  isLine(step) ? ['hangs', 'hangs after it was heard', 'fails'] : ['hangs', 'fails'];

const faulty =
  (faults: ReadonlyMap<string, Fault>) =>
  (usual: SessionEffects): SessionEffects =>
    Object.fromEntries(
      Object.entries(usual).map(([name, act]) => [
        name,
        (asked: { line?: string; rung?: string } | undefined, port: Parameters<SessionEffects['speak']>[1]) => {
          const fault = faults.get(asked?.line === undefined ? name : `${asked.line} ${asked.rung}`);
          if (fault === undefined) return (act as (asked: unknown, port: unknown) => Promise<unknown>)(asked, port);
          if (fault === 'fails') return Promise.reject(new Error('planted'));
          if (fault === 'hangs after it was heard')
            port.send({ type: 'line.audible', line: asked?.line, rung: asked?.rung } as SessionEvent);
          return new Promise(() => {});
        },
      ]),
    ) as unknown as SessionEffects;

const ways: Record<string, SessionEvent | undefined> = {
  'the agent ends the call': { type: 'session.end', end: endOf('agent', 'agent_ended'), drain: true },
  'the agent ends the call at once': { type: 'session.end', end: endOf('agent', 'agent_ended'), drain: false },
  'the worker is told to stop': {
    type: 'shutdown.requested',
    end: endOf('operator', 'worker_shutdown'),
    graceMs: 25_000,
  },
  'a model fails': { type: 'session.failed', end: endOf('system', 'model_failed', 'provider') },
  'an answer is owed and never comes': { type: 'caller.waits', awaits: 'llm', isTurn: true },
};

const nodeOf = (leaf: string): AnyStateNode =>
  leaf.split('.').reduce<AnyStateNode>((node, key) => node.states[key] as AnyStateNode, sessionMachine.root);

/** How long each state that was entered had to wait for `closed`, beside what was computed. */
async function walked(faults: ReadonlyMap<string, Fault>, event: SessionEvent | undefined) {
  const session = new VirtualSession({ effects: faulty(faults) });
  await session.converse();
  if (event) session.send(event);
  while (session.closedAt === undefined && (await session.clock.next()));
  if (session.closedAt === undefined) throw new Error(`never closed: ${session.run.leaves().join()}`);
  const over: string[] = [];
  const took = new Map<string, number>();
  const began = session.entries[0]?.at ?? 0;
  for (const { kind, at, data } of session.entries) {
    if (kind !== 'transition') continue;
    for (const leaf of (data as EntryData['transition']).to) {
      const { id } = nodeOf(leaf);
      const ms = session.closedAt - (at - began);
      const limit = table.get(id)?.ms ?? 0;
      if (ms > limit) over.push(`${leaf}: ${ms} ms, computed ${limit}`);
      if (!took.has(id)) took.set(id, ms);
    }
  }
  return { over, took, session };
}

describe.each(Object.entries(ways))('%s', (_, event) => {
  test.each(steps)(
    'B6 G7 G8 every step hung: %s, alone and with each other one; closed comes within the computed bound',
    async (step) => {
      const problems: string[] = [];
      for (const fault of faultsOf(step)) {
        const alone = await walked(new Map([[step, fault]]), event);
        problems.push(...alone.over.map((each) => `${step} ${fault}: ${each}`));
        for (const other of steps.filter((each) => each > step)) {
          for (const second of faultsOf(other)) {
            const faults = new Map<string, Fault>([
              [step, fault],
              [other, second],
            ]);
            const { over, session } = await walked(faults, event);
            problems.push(...over.map((each) => `${step} ${fault}, ${other} ${second}: ${each}`));
            const asked = (name: string) => session.asked.filter((each) => each === name).length;
            if (asked('hangUp') !== 1 || asked('close') !== 1 || asked('sendReport') !== 1)
              problems.push(`${step} ${fault}, ${other} ${second}: ${session.asked.join()}`);
          }
        }
      }
      expect(problems).toEqual([]);
    },
  );
});

describe('B12 one rung of the apology breaks and the other works', () => {
  const said = async (faults: [Step, Fault][]) => {
    const { session } = await walked(new Map(faults), ways['a model fails']);
    return {
      asked: session.asked.filter((each) => each === 'apology').length,
      heard: session.spoken.filter(({ line, heard }) => line === 'apology' && heard).map(({ rung }) => rung),
    };
  };

  test.each(['hangs', 'fails'] as const)('live %s: the one from the package is heard', async (fault) => {
    expect(await said([['apology live', fault]])).toEqual({ asked: 2, heard: ['bundled'] });
  });

  test.each(faultsOf('apology bundled'))(
    'the one from the package %s, live is heard: it is not asked for',
    async (fault) => {
      expect(await said([['apology bundled', fault]])).toEqual({ asked: 1, heard: ['live'] });
    },
  );

  test('live was heard and then hung: nobody hears a second one', async () => {
    expect(await said([['apology live', 'hangs after it was heard']])).toEqual({ asked: 1, heard: [] });
  });
});

test('the computed number is no loose one: with every step hung, the longest way takes exactly as long', async () => {
  const all = new Map<string, Fault>(steps.map((step) => [step, 'hangs']));
  for (const fine of ['connect', 'startSession', 'greeting live']) all.delete(fine);
  all.set('goodbye live', 'hangs after it was heard');
  const { took } = await walked(all, ways['the agent ends the call']);
  const reached = (id: string) => [took.get(id), table.get(id)?.ms];
  const [drained, computed] = reached('session.ending.draining');
  // Its first audio costs nothing here, and up to rungMs in the computed way.
  expect(drained).toBe((computed ?? 0) - defaultPolicy.rungMs);
  expect(took.get('session.reporting.closing')).toBe(table.get('session.reporting.closing')?.ms);
  expect(took.get('hangingUp')).toBe(table.get('hangingUp')?.ms);
});
