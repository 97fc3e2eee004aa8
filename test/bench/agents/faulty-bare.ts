/**
 * The bare SDK as its documentation has it at its best: a try/catch around the entrypoint that deletes the room, fallback
 * adapters, a spoken apology for errors that nothing recovers, `closeOnDisconnect`, `deleteRoomOnClose`, the end-call
 * tool, a report from `onSessionEnd`, and once more from a shutdown callback if that did not run.
 */
import { fileURLToPath } from 'node:url';
import { beta, cli, defineAgent, type JobContext, ServerOptions, voice } from '@livekit/agents';
import { AudioFrame, DisconnectReason, RoomEvent } from '@livekit/rtc-node';
import { readWav } from '../../../src/sound/wav.ts';
import { GREETING, planOf, strike, tell } from '../faults/plan.ts';
import { failTheImport, models, plantInStart, plantListener, prewarm, Scripted, sideWish } from '../faults/scripted.ts';

failTheImport();
const APOLOGY = 'Sorry, something went wrong. Please try again later.';
const FRAMES_A_SECOND = 50;

/** Recorded beforehand, as the examples advise: a voice that is broken cannot apologise. */
function recorded(): ReadableStream<AudioFrame> {
  const { sampleRate, samples } = readWav(new URL('../../../src/sound/assets/apology.en.wav', import.meta.url));
  const size = sampleRate / FRAMES_A_SECOND;
  return new ReadableStream({
    start: (controller) => {
      for (let at = 0; at + size <= samples.length; at += size)
        controller.enqueue(new AudioFrame(samples.slice(at, at + size), sampleRate, 1, size));
      controller.close();
    },
  });
}

/** All that the SDK says about how it ended. */
type Facts = {
  reason?: string;
  error?: string;
  errors: string[];
  participant?: string;
  disconnected?: string;
  isSent: boolean;
};
const facts: Facts = { errors: [], isSent: false };
const textOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : (JSON.stringify(error) ?? String(error));

async function report(context: JobContext): Promise<void> {
  const { isSent, ...known } = facts;
  if (isSent) return;
  const response = await fetch(process.env['LASTWORD_TEST_RECEIVER'] ?? '', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ room: { name: context.job.room?.name }, job: context.job.id, ...known }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`the receiver answered ${response.status}`); // the shutdown callback tries once more
  facts.isSent = true;
}

export default defineAgent({
  prewarm,
  entry: async (context: JobContext) => {
    const room = context.job.room?.name ?? '';
    const plan = planOf(context.job.metadata);
    tell(`job: ${room} ${process.pid}`);
    context.addShutdownCallback(() => report(context));
    if (plan.at === 'shutdown callback') context.addShutdownCallback(() => strike(plan, 'shutdown callback', room));
    try {
      await context.connect();
      context.room
        .on(RoomEvent.ParticipantDisconnected, ({ disconnectReason }) => {
          facts.participant = disconnectReason === undefined ? 'UNKNOWN' : DisconnectReason[disconnectReason];
        })
        .on(RoomEvent.Disconnected, (reason) => {
          facts.disconnected = DisconnectReason[reason];
        });
      await strike(plan, 'factory', room);
      const session = new voice.AgentSession(models(context));
      session.on(voice.AgentSessionEventTypes.Error, ({ error }) => {
        facts.errors.push(textOf(error));
        if (typeof error === 'object' && error !== null && 'recoverable' in error && error.recoverable) return;
        session.say(APOLOGY, { audio: recorded(), allowInterruptions: false });
      });
      plantListener(plan, room, session);
      session.on(voice.AgentSessionEventTypes.Close, ({ reason, error }) => {
        facts.reason = reason;
        if (error) facts.error = textOf(error);
        context.shutdown(reason);
      });
      plantInStart(plan, room);
      await strike(plan, 'agent', room);
      const agent = new Scripted(
        plan,
        room,
        beta.createEndCallTool(),
        sideWish.greeting === 'agent' ? GREETING : undefined,
      );
      await session.start({
        agent,
        room: context.room,
        inputOptions: { closeOnDisconnect: true, deleteRoomOnClose: true },
      });
      await context.waitForParticipant();
      if (sideWish.greeting !== 'agent') await session.say(GREETING).waitForPlayout();
      await strike(plan, 'after greeting', room);
    } catch (error) {
      facts.error = textOf(error);
      await context.deleteRoom();
      context.shutdown('the entrypoint failed');
    }
  },
  onSessionEnd: async (context) => {
    const plan = planOf(context.job.metadata);
    await strike(plan, 'end hook', context.job.room?.name ?? '');
    await report(context);
  },
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  cli.runApp(
    new ServerOptions({
      agent: fileURLToPath(import.meta.url),
      agentName: process.env['LASTWORD_TEST_AGENT'] ?? '',
      port: Number(process.env['LASTWORD_TEST_PORT']),
      numIdleProcesses: 2,
      loadFunc: async () => 0, // the default refuses calls in silence on two busy cores
    }),
  );
}
