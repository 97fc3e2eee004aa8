/** A race, run: real parts, and faults at the edges of the call. */
import { voice } from '@livekit/agents';
import type { RemoteParticipant } from '@livekit/rtc-node';
import { endOf, type SessionEvent } from '../../machines/index.ts';
import type { SessionDefinition } from '../../src/livekit/definition.ts';
import type { Venue } from '../../src/livekit/venue.ts';
import { callLog } from './call-log.ts';
import { faulty, outputWith } from './race-faults.ts';
import { goodbyes, limits, problemsOf, type Seen } from './race-checks.ts';
import { type Placed, place } from './harness.ts';
import { toolNamed, WithTools } from './plain.ts';
import type { Happening, Race } from './races.ts';

class Racing extends WithTools {
  readonly #faults: Race['faults'];

  constructor(faults: Race['faults']) {
    super([toolNamed('look_up', () => faulty(faults, 'tool', async () => 'nine'))]);
    this.#faults = faults;
  }
  override async onEnter(): Promise<void> {
    await faulty(this.#faults, 'onEnter', async () => void this.session.say('I am here.'));
  }
  override async onExit(): Promise<void> {
    await faulty(this.#faults, 'onExit', async () => {});
  }
  override async onUserTurnCompleted(): Promise<void> {
    await faulty(this.#faults, 'onUserTurnCompleted', async () => {});
  }
}

/** @returns what was wrong, empty when nothing was; and the call, to be read. */
export async function run(race: Race): Promise<{ problems: string[]; log: string }> {
  const { faults, greeting, events } = race;
  const seen: Seen = { hangUps: 0, isGone: false, dismissed: 0, transfersAsked: 0, transfersTold: 0 };
  const edges = {
    output: outputWith(faults),
    venue: (usual: Venue): Partial<Venue> => ({
      connect: (signal) => faulty(faults, 'connect', () => usual.connect(signal)),
      awaitCaller: (signal) => faulty(faults, 'awaitCaller', () => usual.awaitCaller(signal)),
      presence: (signal) => faulty(faults, 'presence', () => usual.presence(signal)),
      play: (...given) => faulty(faults, 'play', () => usual.play(...given)),
      hangUp: (...given) => {
        seen.hangUps += 1;
        return faulty(faults, 'hangUp', () => usual.hangUp(...given));
      },
      close: () => faulty(faults, 'close', () => usual.close()),
      answered: () => faulty(faults, 'answered', async () => ({ identity: 'human' }) as RemoteParticipant),
      dismiss: async () => void (seen.dismissed += 1),
      isCallerThere: () => !seen.isGone && usual.isCallerThere(),
    }),
  };
  const definition: Partial<SessionDefinition> = {
    greeting: greeting === 'say' ? { say: 'Hello there.' } : greeting,
    goodbye: { say: goodbyes.caller },
    voicemail: { goodbye: { say: goodbyes.machine } },
    hold: { goodbye: { say: goodbyes.music } },
    nudge: { say: 'Still there?' },
    windDown: { say: 'Soon.' },
    filler: { say: 'One moment.' },
    apology: { say: 'Sorry.' },
    policy: limits,
  };
  const placed = await place({
    ...definition,
    agent: () => faulty(faults, 'agent', async () => new Racing(faults)) as never,
    start: () => faulty(faults, 'start', async () => ({})),
    script: (asked) => {
      if (faults.model === 'fails') return { error: new Error('model: planted') };
      if (faults.model !== undefined) return { isStuck: true };
      return asked === 'Use the tool.' ? { calls: ['look_up'] } : { say: 'It is nine.' };
    },
    edges,
    sealing: () => faulty(faults, 'sealing', async () => {}),
  });
  if (faults.voice !== undefined) placed.tts.isMute = true;
  try {
    for (const { afterMs, what } of events) {
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      happen(what, placed, seen, faults);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    placed.call.end('finally');
    const outcome = await Promise.race([
      placed.run.closed.then(() => 'closed'),
      new Promise((resolve) => setTimeout(resolve, 9000)),
    ]);
    const problems =
      outcome === 'closed'
        ? await problemsOf(placed, seen)
        : [`it did not close; it rests in ${placed.run.leaves().join(' + ')}`];
    return { problems, log: callLog(placed.entries) };
  } finally {
    await placed[Symbol.asyncDispose]();
  }
}

function happen(what: Happening, placed: Placed, seen: Seen, faults: Race['faults']): void {
  const { call, run } = placed;
  const send = (event: SessionEvent) => run.send(event);
  const hasLeft = seen.isGone;
  const goes = () => void (seen.isGone = true);
  try {
    switch (what) {
      case 'the caller asks':
        return placed.says('What time is it?');
      case 'the caller asks for the tool':
        return placed.says('Use the tool.');
      case 'the caller leaves':
        goes();
        return placed.leaves();
      case 'the caller vanishes':
        return goes();
      case 'the caller is lost':
        goes();
        return send({ type: 'caller.lost' });
      case 'the caller returns':
        if (!hasLeft) return;
        seen.isGone = false;
        return send({ type: 'caller.returned' });
      case 'the agent ends':
        return call.end('agent_done');
      case 'the agent ends at once':
        return call.end('agent_done_at_once', { drain: false });
      case 'the agent ends without goodbye':
        return call.end('agent_done_silently', { goodbye: false });
      case 'a model fails':
        return send({ type: 'session.failed', end: endOf('system', 'model_failed', 'provider', 'planted') });
      case 'the worker stops':
        return send({ type: 'shutdown.requested', end: endOf('operator', 'worker_shutdown'), graceMs: 2000 });
      case 'the worker stops now':
        return send({ type: 'shutdown.requested', end: endOf('operator', 'worker_shutdown'), graceMs: 0 });
      case 'the agent speaks':
        return void call.session?.say('By the way.');
      case 'the agent is interrupted':
        return void call.session?.interrupt({ force: true });
      case 'the session is closed by hand':
        return void call.session?.close().catch(() => {});
      case 'another agent takes over':
        return call.session?.updateAgent(new voice.Agent({ instructions: 'Answer.' }));
      case 'something is attached':
        return call.attach('note', 'x');
      case 'a machine answered':
        return call.report('voicemail');
      case 'hold music begins':
        return call.report('hold_music');
      case 'a human is back':
        return call.report('human');
      case 'the agent hands the caller over':
        return handOver(placed, seen, faults);
    }
  } catch {
    // what the SDK refuses to the user's code is the user's
  }
}

function handOver({ call }: Placed, seen: Seen, faults: Race['faults']): void {
  seen.transfersAsked += 1;
  void call
    .transfer({
      participant: 'human',
      invite: () => faulty(faults, 'invite', async () => {}),
      confirm: () => faulty(faults, 'confirm', async () => true),
    })
    .then(() => (seen.transfersTold += 1));
}
