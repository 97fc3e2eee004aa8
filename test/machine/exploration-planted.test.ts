/** The exploration is held to what it is for: bugs that are planted in a copy of a machine are found, and named. */
import { describe, expect, test } from 'vitest';
import { recoveryMachine, sessionMachine, supervisionMachine } from '../../machines/index.ts';
import { explore } from './explore.ts';
import { mutated, type Mutation } from './mutate.ts';
import { recoveryModel } from './recovery-model.ts';
import { sessionModel, sessionWalks } from './session-model.ts';
import { supervisionModel } from './supervision-model.ts';

describe('the exploration sees a planted bug, and prints the walk', () => {
  // One kind of call is enough to find these, and quicker.
  const plain = { ...(sessionWalks[0] ?? sessionModel), inputs: sessionModel.inputs.slice(1, 2) };
  const only = (left: RegExp) => ({ ...plain, isLeftOut: ({ type }: { type: string }) => !left.test(type) });
  // These are asked of the whole walk when it is over, so this one is short: one call that is ended.
  const ended = only(/^(xstate|session\.end)/);
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
    const machine = mutated(sessionMachine, mutation);
    const { violations } = promise.startsWith('no way') ? explore(machine, ended) : explore(machine, plain, promise);
    expect([...violations.keys()]).toContain(promise);
    expect(violations.get(promise)).toMatch(/^begins in live\.connecting\.joining\.connectingRoom/);
  });

  test('and sees none on the short walk of the machine as it is', () => {
    expect(Object.fromEntries(explore(sessionMachine, ended).violations)).toEqual({});
  });

  const recoveryBugs: [string, Mutation][] = [
    ['a call taken over that is not wanted', (_, code) => void (code.guards['isEnded'] = () => false)],
    ['an apology that nobody wants', (_, code) => void (code.guards['mayApologize'] = () => true)],
    [
      'released without hanging up',
      (at) => void (at('apologizing').invoke['onDone'] = { target: 'done', actions: 'noteReleased' }),
    ],
    ['a hang-up that is owed is not noted', (_, code) => void (code.guards['isUnverified'] = () => false)],
    ['takeOver twice', (at) => void (at('apologizing').invoke['onError'] = 'resuming')],
    ['done without an outcome', (_, code) => void (code.actions['noteResumed'] = () => {})],
  ];
  test.each(recoveryBugs)('%s', (promise, mutation) => {
    const { violations } = explore(mutated(recoveryMachine, mutation), recoveryModel, promise);
    expect([...violations.keys()]).toContain(promise);
  });

  const supervisionBugs: [string, Mutation][] = [
    ['settled, and followed again', (at) => void (at('recovering').on['job.here'] = 'running')],
    ['a job that beats is not heard', (at) => delete at('running').on['job.beat']],
    ['a suspect that beats is not heard', (at) => delete at('suspect').on['job.beat']],
    ['called dead on a guess', (_, code) => void (code.guards['isExcused'] = () => false)],
    ['called dead on a guess', (_, code) => void (code.guards['isAlive'] = () => true)],
    ['called dead on a guess', (_, code) => void (code.guards['isMoving'] = () => false)],
    ['called dead on a guess', (_, code) => void (code.guards['isAgentGone'] = () => true)],
    ['called dead on a guess', (at) => void (at('running.unheard').after['lostMs'] = '#securing')],
    ['called dead on a guess', (at) => void (at('suspect.asking').after['verdictMs'] = '#securing')],
    ['called dead on a guess', (_, code) => void (code.guards['isFoundUnopened'] = () => true)],
    ['taken in hand twice', (at) => void (at('recovering').on['budget.spent'] = 'securing')],
    ['a process that is gone is waited for', (at) => delete at('accepted').on['job.unstarted']],
    ['recovered without a worker', (_, code) => void (code.guards['isWorkerHere'] = () => true)],
    ['sealed before the caller was let go', (at) => void (at('securing').after['killMs'] = 'sealing')],
    ['a hang-up that is owed is forgotten', (_, code) => void (code.guards['isUnconfirmed'] = () => false)],
    ['over, and not sealed', (at) => void (at('sealing.trying').after['sealMs'] = '#over')],
    ['sealed twice', (at) => void (at('sealing.trying').invoke['onDone'] = 'pausing')],
    ['no way to the end', (at) => delete at('awaitingWorker').on['worker.here']],
    ['an effect without a deadline: 0.supervision.recovering', (at) => void (at('recovering').after = {})],
  ];
  test.each(supervisionBugs)('%s', (promise, mutation) => {
    const until = promise.startsWith('no way') ? undefined : promise;
    const { violations } = explore(mutated(supervisionMachine, mutation), supervisionModel, until);
    expect([...violations.keys()]).toContain(promise);
  });

  test('a transition that cannot be taken is named', () => {
    const unreachable = mutated(sessionMachine, (at) => {
      at('live.conversing.work.none').on['tool.ended'] = [{ guard: () => false, target: 'running' }];
    });
    const withTools = only(/^(xstate|tool)/);
    const { marks, taken } = explore(unreachable, withTools);
    const planted = 'session.live.conversing.work.none tool.ended #1';
    expect([...marks].filter((mark) => !taken.has(mark))).toContain(planted);
    expect(taken).toContain('session.live.conversing.work.none tool.started #1');
  });
});
