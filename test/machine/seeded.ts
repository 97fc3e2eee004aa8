/**
 * Bugs to plant in the machines, one for each promise, and the monitor that has to notice: by name one of the
 * adversary's, `the exploration: …`, or `the walk` where only the numbers change. A monitor that catches nothing proves nothing.
 */
import { assign } from 'xstate';
import { swapLimit, withoutActions, type Mutation } from './mutate.ts';

export type Bug = { what: string; caughtBy: string; session?: Mutation; recovery?: Mutation };

const active = 'live.conversing.dialogue.active';
const waiting = 'live.conversing.dialogue.waiting.clock';
const patience = 'live.conversing.dialogue.waiting.patience';
const suspended = 'live.conversing.dialogue.suspended';
const windingDown = 'live.conversing.duration.windingDown';

export const bugs: Bug[] = [
  // ── the end ──
  {
    what: 'a later end overwrites the first',
    caughtBy: 'end',
    session: (_, code) => {
      code.actions['recordEnd'] = assign((_args, end: never) => ({ end }));
    },
  },
  {
    what: 'a later trigger is forgotten',
    caughtBy: 'a later trigger forgotten',
    session: (_, code) => {
      code.actions['recordEnd'] = assign(({ context }, end: never) => (context['end'] ? {} : { end }));
    },
  },
  {
    what: 'an end without a reason is taken as it is',
    caughtBy: 'end',
    session: (_, code) => {
      code.actions['recordEnd'] = assign(({ context }, end: never) =>
        context['end'] ? { alsoTriggered: [...context['alsoTriggered'], end] } : { end },
      );
    },
  },
  {
    what: 'session.failed records nothing',
    caughtBy: 'end',
    session: (at) => {
      at('live').on['session.failed'] = withoutActions(at('live').on['session.failed']);
    },
  },
  {
    what: 'the report gets the last trigger instead of the first',
    caughtBy: 'end',
    session: (at) => {
      at('reporting.sending').invoke['input'] = ({
        context,
      }: {
        context: { end: unknown; alsoTriggered: unknown[] };
      }) => ({
        end: context.alsoTriggered.at(-1) ?? context.end,
      });
    },
  },
  {
    what: 'session.end is ignored while the agent is heard',
    caughtBy: 'end',
    session: (at) => {
      at(active).on['session.end'] = {};
    },
  },
  // ── the goodbye ──
  {
    what: 'goodbye said again when its first audio is late',
    caughtBy: 'goodbye twice',
    session: (at) => {
      at('exiting.saying.unheard').after['rungMs'] = { target: '#saying', reenter: true };
    },
  },
  {
    what: 'session.end in suspended takes the usual way',
    caughtBy: 'goodbye to nobody',
    session: (at) => {
      delete at(suspended).on['session.end'];
    },
  },
  {
    what: 'caller.left drains and says goodbye',
    caughtBy: 'goodbye to nobody',
    session: (at) => {
      at('live').on['caller.left'] = { ...(at('live').on['caller.left'] as object), target: '#ending' };
    },
  },
  {
    what: 'goodbye right after draining, without interrupting',
    caughtBy: 'goodbye without interrupting',
    session: (at) => {
      at('ending.draining').invoke['onDone'] = '#saying';
    },
  },
  {
    what: 'a goodbye although none is configured or wanted',
    caughtBy: 'a goodbye that nobody wants',
    session: (_, code) => {
      code.guards['isGoodbyeUnwanted'] = () => false;
    },
  },
  {
    what: 'a request without goodbye counts only when it is the first',
    caughtBy: 'a goodbye that nobody wants',
    session: (_, code) => {
      code.actions['recordEnd'] = assign(({ context, event }, end: { reason: string }) => {
        const named = end.reason === '' ? { ...end, reason: 'unspecified' } : end;
        if (context['end']) return { alsoTriggered: [...context['alsoTriggered'], named] };
        return { end: named, ...(event['goodbye'] === false && { goodbye: false }) };
      });
    },
  },
  {
    what: 'no goodbye at all',
    caughtBy: 'a goodbye left out',
    session: (at) => {
      const { interrupting } = at('ending').states;
      if (interrupting) interrupting.invoke['onDone'] = '#hangingUp';
    },
  },
  // ── who is there ──
  {
    what: 'wind-down line spoken while suspended',
    caughtBy: 'a line to nobody',
    session: (at) => {
      at('live.conversing.duration.open').after['untilWindDownMs'] = 'windingDown';
    },
  },
  {
    what: 'the caller is not told that the limit is near',
    caughtBy: 'the caller was not told',
    session: (at) => {
      at(windingDown)['initial'] = 'told';
    },
  },
  {
    what: 'a caller who returns is not told either', // two rare things at once: for the exploration, not for chance
    caughtBy: 'the exploration: the caller was not told',
    session: (at) => {
      delete at(`${windingDown}.untold`).on['caller.returned'];
    },
  },
  {
    what: 'the longest duration has no end',
    caughtBy: 'the longest duration outlived',
    session: (at) => {
      swapLimit(at(windingDown), 'windDownMs', 'callerJoinMs');
    },
  },
  {
    what: 'the grace period is as long as a tool',
    caughtBy: 'the grace period outlived',
    session: (at) => {
      swapLimit(at(suspended), 'callerGraceMs', 'toolMs');
    },
  },
  {
    what: 'an answer owed is forgotten when the caller returns',
    caughtBy: 'an owed answer forgotten',
    session: (at) => {
      at(suspended).on['caller.returned'] = 'active';
    },
  },
  // ── the first words ──
  {
    what: 'greeting waits for the end of its playout',
    caughtBy: 'greeting outlives its first audio',
    session: (at) => {
      delete at('live.greeting').on['agent.audible'];
    },
  },
  {
    what: 'agent session starts when the caller is there already',
    caughtBy: 'agent session started at the wrong time',
    session: (at) => {
      at('live.connecting.joining.connectingRoom').invoke['onDone'] = '#awaitingCaller';
      at('live.connecting.awaitingCaller').invoke['onDone'] = '#startingSession';
      at('live.connecting.joining.startingSession')['id'] = 'startingSession';
    },
  },
  {
    what: 'a call that goes on after a crash greets again',
    caughtBy: 'the wrong first words',
    session: (at) => {
      at('live.greeting.words.speaking').invoke['input'] = {
        line: 'greeting',
        rung: 'live',
        until: 'audible',
        interruptible: true,
      };
    },
  },
  // ── silence ──
  {
    what: 'an unanswered turn waits as long as a tool',
    caughtBy: 'silence',
    session: (at) => {
      swapLimit(at(`${waiting}.unanswered`), 'firstAudioMs', 'callerGraceMs');
    },
  },
  {
    what: 'both filler rungs fail, then the whole apology ladder',
    caughtBy: 'silence',
    session: (at) => {
      const state = at(`${waiting}.fillingBundled`);
      state.after['rungMs'] = state.invoke['onError'] = {
        ...(state.after['rungMs'] as object),
        target: '#runtimeFailed',
      };
    },
  },
  {
    what: 'session.end during a bundled filler drains first',
    caughtBy: 'the walk',
    session: (at) => {
      const { on } = at(`${waiting}.fillingBundled`);
      on['session.end'] = { ...(on['session.end'] as object), target: '#ending' };
    },
  },
  {
    what: 'failed live rung not remembered',
    caughtBy: 'a failed rung tried again',
    session: (_, code) => {
      code.actions['noteLiveBroken'] = () => {};
    },
  },
  {
    what: 'apology ladder without its bundled rung',
    caughtBy: 'apology ends with the live rung',
    session: (at) => {
      at('runtimeFailed.live').invoke['onError'] = '#hangingUp';
      at('runtimeFailed.live.unheard').after['rungMs'] = '#hangingUp';
    },
  },
  {
    what: 'a failure in the middle of the call skips the live apology',
    caughtBy: 'a rung left out',
    session: (at) => {
      at('runtimeFailed')['initial'] = 'bundled';
    },
  },
  {
    what: 'patience runs while a tool does',
    caughtBy: 'a tool cut off',
    session: (at) => {
      at(`${patience}.answering`)['always'] = [];
    },
  },
  {
    what: 'patience with a model has no end',
    caughtBy: 'the patience outlived',
    session: (at) => {
      swapLimit(at(`${patience}.answering`), 'turnMs', 'callerJoinMs');
    },
  },
  {
    what: 'who is not understood is asked again for ever',
    caughtBy: 'asked again for ever',
    session: (_, code) => {
      code.guards['isDeaf'] = () => false;
    },
  },
  {
    what: 'a step forward does not begin the wait anew, and its clock has no end',
    caughtBy: 'silence',
    session: (at) => {
      swapLimit(at(`${waiting}.moved`), 'firstAudioMs', 'callerGraceMs');
    },
  },
  {
    what: 'nudges are not counted',
    caughtBy: 'too many nudges',
    session: (_, code) => {
      code.actions['countNudge'] = () => {};
    },
  },
  {
    what: 'hold music is put up with for as long as a caller’s grace',
    caughtBy: 'the hold outlived',
    session: (at) => {
      swapLimit(at('live.conversing.dialogue.held'), 'holdMs', 'callerGraceMs');
    },
  },
  {
    what: 'a hold that lasts too long ends with the usual goodbye',
    caughtBy: 'a goodbye that nobody wants',
    session: (_, code) => {
      code.actions['chooseGoodbye'] = () => {};
    },
  },
  {
    what: 'a refused transfer ends the call',
    caughtBy: 'transferred without a transfer',
    session: (_, code) => {
      code.guards['isTransferred'] = () => true;
    },
  },
  {
    what: 'a machine that answered is drained like a caller',
    caughtBy: 'the exploration: a message that waits',
    session: (at) => {
      at('live').on['voicemail.found'] = { ...(at('live').on['voicemail.found'] as object), target: '#ending' };
    },
  },
  // ── the ending ──
  {
    what: 'drain: false drains',
    caughtBy: 'drain',
    session: (at) => {
      at('live').on['session.end'] = (at('live').on['session.end'] as unknown[]).slice(1);
    },
  },
  {
    what: 'budget.spent cuts nothing',
    caughtBy: 'budget',
    session: (at) => {
      for (const path of ['ending', 'startupFailed', 'runtimeFailed', 'exiting.saying']) {
        const { 'budget.spent': _, ...rest } = at(path).on;
        at(path).on = rest;
      }
    },
  },
  {
    what: 'hang-up under the limit of the caller’s grace',
    caughtBy: 'effect past its deadline',
    session: (at) => {
      swapLimit(at('exiting.hangingUp'), 'hangUpMs', 'callerGraceMs');
    },
  },
  {
    what: 'closing has no deadline',
    caughtBy: 'never closed',
    session: (at) => {
      at('reporting.closing').after = {};
    },
  },
  {
    what: 'no report is sent',
    caughtBy: 'a step of the ending missing or twice',
    session: (at) => {
      delete (at('reporting.sending') as { invoke?: unknown }).invoke;
    },
  },
  {
    what: 'report sent before the SDK session is closed',
    caughtBy: 'order of the ending',
    session: (at) => {
      const [closing, sending] = [at('reporting.closing'), at('reporting.sending')];
      const { invoke } = closing;
      closing.invoke = { ...sending.invoke, onDone: 'sending', onError: 'sending' };
      sending.invoke = { ...invoke, onDone: '#closed', onError: '#closed' };
    },
  },
  {
    what: 'the apology hangs up through the live call',
    caughtBy: 'back into the call',
    session: (at) => {
      at('runtimeFailed.bundled').invoke['onDone'] = '#conversing';
    },
  },
  // ── recovery ──
  {
    what: 'takes over a call whose end is recorded',
    caughtBy: 'a call taken over that is not wanted',
    recovery: (_, code) => {
      code.guards['isEnded'] = () => false;
    },
  },
  {
    what: 'restart intensity ignored',
    caughtBy: 'a call taken over that is not wanted',
    recovery: (_, code) => {
      code.guards['mayResume'] = () => true;
    },
  },
  {
    what: 'takes over again after a failed apology',
    caughtBy: 'recovery twice',
    recovery: (at) => {
      at('apologizing').invoke['onError'] = 'resuming';
    },
  },
  {
    what: 'takeover under the limit of the caller’s grace',
    caughtBy: 'effect past its deadline',
    recovery: (at) => {
      swapLimit(at('resuming'), 'takeoverMs', 'callerGraceMs');
    },
  },
  {
    what: 'nobody takes over, nobody apologises',
    caughtBy: 'no apology',
    recovery: (at) => {
      at('resuming').invoke['onError'] = at('resuming').after['takeoverMs'] = 'hangingUp';
    },
  },
  {
    what: 'apologises although the keeper wants none',
    caughtBy: 'an apology that nobody wants',
    recovery: (_, code) => {
      code.guards['mayApologize'] = () => true;
    },
  },
  {
    what: 'recovery lets nobody go',
    caughtBy: 'recovery does not hang up',
    recovery: (at) => {
      at('apologizing').invoke['onDone'] = at('apologizing').invoke['onError'] = {
        target: 'done',
        actions: 'noteReleased',
      };
    },
  },
  {
    what: 'recovery hangs up with a reason of its own',
    caughtBy: 'end',
    recovery: (at) => {
      at('hangingUp').invoke['input'] = { end: { by: 'system', reason: 'orchestrator_error', fault: 'application' } };
    },
  },
  {
    what: 'a hang-up that fails releases nobody',
    caughtBy: 'recovery without an outcome',
    recovery: (at) => {
      at('hangingUp').invoke['onError'] = 'done';
    },
  },
  {
    what: 'a released call has no outcome',
    caughtBy: 'recovery without an outcome',
    recovery: (_, code) => {
      code.actions['noteReleased'] = assign(({ context }) => ({
        end: context['end'] ?? { reason: 'process_crashed' },
      }));
    },
  },
  {
    what: 'probing has no deadline',
    caughtBy: 'recovery never done',
    recovery: (at) => {
      at('probing').after = {};
    },
  },
];
