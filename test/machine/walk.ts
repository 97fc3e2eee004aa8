/** A call as a list of what happens: where it leads, and what is asked for on the way. No clock: a limit is an event. */
import { initialTransition, transition, type AnyEventObject, type AnyStateNode } from 'xstate';
import { defaultPolicy, sessionMachine, type SessionContext, type Input, type Limit } from '../../machines/index.ts';

const nodeAt = (place: string): AnyStateNode =>
  place.split('.').reduce<AnyStateNode>((node, key) => {
    const child = node.states[key];
    if (!child)
      throw new Error(`expected a place of the session such as "exiting.hangingUp"; "${key}" of "${place}" is none`);
    return child;
  }, sessionMachine.root);
const effectAt = (place: string): string => {
  const [invoked] = nodeAt(place).invoke;
  if (!invoked) throw new Error(`expected a state that asks for something; "${place}" does not`);
  return invoked.id;
};

/** What was asked for at this place is done. */
export const done = (place: string, output: unknown = {}): AnyEventObject => ({
  type: `xstate.done.actor.${effectAt(place)}`,
  output,
});
export const failed = (place: string): AnyEventObject => ({
  type: `xstate.error.actor.${effectAt(place)}`,
  error: new Error('failed'),
});
/** The limit of this place is over. */
export const over = (
  limit: Limit | 'untilWindDownMs' | 'endpointingMs' | 'noiseMs' | 'givenMs',
  place: string,
): AnyEventObject => ({
  type: `xstate.after.${limit}.${nodeAt(place).id}`,
});

export const intoTheCall: AnyEventObject[] = [
  done('live.connecting.joining.connectingRoom'),
  done('live.connecting.joining.startingSession'),
  done('live.connecting.awaitingCaller', { identity: 'caller' }),
  { type: 'agent.audible' },
];

export type Walk = {
  /** Effects by name, a line by its own. */
  asked: string[];
  context: SessionContext;
  /** What a session that is closed tells who ran it. */
  output: SessionContext | undefined;
  isAt: (place: string) => boolean;
  /** Timers that were started, in ms, by the event that they raise. */
  timers: Map<string, number>;
};

/** @param events what happens after the first word, unless `from` says that nothing has happened yet */
export function walk(
  events: readonly AnyEventObject[],
  input: Partial<Input> = {},
  from: 'call' | 'ring' = 'call',
): Walk {
  const asked: string[] = [];
  const timers = new Map<string, number>();
  const note = (actions: { type: string; params?: unknown }[]): void => {
    for (const { type, params } of actions) {
      const {
        src,
        input: given,
        event,
        delay,
      } = (params ?? {}) as {
        src?: string;
        input?: { line?: string };
        event?: { type: string };
        delay?: number;
      };
      if (type === 'xstate.spawnChild') asked.push(given?.line ?? String(src));
      if (type === 'xstate.raise' && event && delay !== undefined) timers.set(event.type, delay);
    }
  };
  let [snapshot, actions] = initialTransition(sessionMachine, {
    policy: defaultPolicy,
    resumed: false,
    elapsedMs: 0,
    greeting: 'say',
    goodbye: true,
    ...input,
  });
  note(actions);
  const before = from === 'call' ? intoTheCall : [];
  for (const [index, event] of [...before, ...events].entries()) {
    if (index === before.length) asked.length = 0;
    [snapshot, actions] = transition(sessionMachine, snapshot, event as never);
    note(actions);
  }
  if (events.length === 0 && from === 'call') asked.length = 0;
  return {
    asked,
    timers,
    context: snapshot.context,
    output: snapshot.output,
    isAt: (place) => snapshot._nodes.includes(nodeAt(place) as never),
  };
}
