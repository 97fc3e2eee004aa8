/** The exploration is held to what it is for: bugs that are planted in a copy of a machine are found, and named. */
import { describe, expect, test } from 'vitest';
import { recoveryMachine, sessionMachine } from '../../machines/index.ts';
import { explore } from './explore.ts';
import { mutated, type Mutation } from './mutate.ts';
import { recoveryModel } from './recovery-model.ts';
import { sessionModel, sessionWalks } from './session-model.ts';

describe('the exploration sees a planted bug, and prints the walk', () => {
  // One kind of call is enough to find these, and quicker.
  const plain = { ...(sessionWalks[0] ?? sessionModel), inputs: sessionModel.inputs.slice(1, 2) };
  const sessionBugs: [string, Mutation][] = [
    ['goodbye twice', (at) => void (at('exiting.saying.unheard').after['rungMs'] = { target: '#interrupting' })],
    ['goodbye to nobody', (at) => delete at('live.conversing.dialogue.suspended').on['session.end']],
    ['a goodbye that nobody wants', (_, code) => void (code.guards['isGoodbyeUnwanted'] = () => false)],
    ['a line to nobody', (at) => void (at('live.conversing.duration.open').after['untilWindDownMs'] = 'windingDown')],
    ['the caller was not told', (at) => delete at('live.conversing.duration.windingDown.untold').on['caller.returned']],
    ['live is entered again', (at) => void (at('runtimeFailed.bundled').invoke['onDone'] = '#conversing')],
    ['an ending without an end', (at) => void (at('live').on['shutdown.requested'] = '#ending')],
    ['an effect without a deadline: 0.session.reporting.closing', (at) => void (at('reporting.closing').after = {})],
    ['no way to the end when every effect hangs', (at) => void (at('exiting.hangingUp').after = {})],
    [
      'no way to the end',
      (at) =>
        void (at('reporting.sending').invoke['onDone'] =
          at('reporting.sending').invoke['onError'] =
          at('reporting.sending').after['reportMs'] =
            '#reporting'),
    ],
    ['a step of the ending missing or twice', (at) => delete (at('reporting.sending') as { invoke?: unknown }).invoke],
  ];
  test.each(sessionBugs)('%s', (promise, mutation) => {
    const { violations } = explore(
      mutated(sessionMachine, mutation),
      plain,
      promise.startsWith('no way') ? undefined : promise,
    );
    expect([...violations.keys()]).toContain(promise);
    expect(violations.get(promise)).toMatch(/^begins in live\.connecting\.joining\.connectingRoom/);
  });

  const recoveryBugs: [string, Mutation][] = [
    ['a call taken over that is not wanted', (_, code) => void (code.guards['isEnded'] = () => false)],
    ['an apology that nobody wants', (_, code) => void (code.guards['mayApologize'] = () => true)],
    ['sealed without hanging up', (at) => void (at('apologizing').invoke['onDone'] = 'sealing')],
    ['a hang-up that is owed is not noted', (_, code) => void (code.guards['isUnverified'] = () => false)],
    ['takeOver twice', (at) => void (at('apologizing').invoke['onError'] = 'resuming')],
    ['done without an outcome', (_, code) => void (code.actions['noteResumed'] = () => {})],
  ];
  test.each(recoveryBugs)('%s', (promise, mutation) => {
    const { violations } = explore(mutated(recoveryMachine, mutation), recoveryModel, promise);
    expect([...violations.keys()]).toContain(promise);
  });

  test('a transition that cannot be taken is named', () => {
    const unreachable = mutated(sessionMachine, (at) => {
      at('live.conversing.work.none').on['tool.ended'] = [{ guard: () => false, target: 'running' }];
    });
    const { marks, taken } = explore(unreachable, {
      ...plain,
      isLeftOut: ({ type }) => /^(transfer|time|hold)/.test(type),
    });
    expect([...marks].filter((mark) => !taken.has(mark))).toContain('session.live.conversing.work.none tool.ended #1');
    expect(taken).toContain('session.live.conversing.work.none tool.started #1');
  });
});
