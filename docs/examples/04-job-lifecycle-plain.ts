/**
 * The same with the bare SDK. There a shutdown callback has no time limit, a participant entrypoint that throws at once
 * makes `connect()` fail and skips the others, and nobody writes down who was there and what changed.
 *
 * Not covered: a process that dies, or never gets here; a caller who never comes; a retry of the report.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AutoSubscribe, cli, defineAgent, type JobContext, log, ServerOptions } from '@livekit/agents';
import { ParticipantKind, type RemoteParticipant, RoomEvent } from '@livekit/rtc-node';
import { echo } from './echo.ts';

const HOOK_MS = 10_000;
const CALLER_MS = 60_000;
const LONGEST_MS = 1_800_000;

const within = async <Value>(what: string, ms: number, work: Promise<Value>): Promise<Value> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no end within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
};

const guarded =
  (name: string, run: (context: JobContext, participant: RemoteParticipant) => Promise<void>) =>
  async (context: JobContext, participant: RemoteParticipant): Promise<void> => {
    try {
      await run(context, participant);
    } catch (error) {
      log().error({ name, error: String(error) }, 'a participant entrypoint failed');
    }
  };

const metadataOf = (text: string): { language?: string } => {
  try {
    return JSON.parse(text) as { language?: string };
  } catch {
    return {};
  }
};

export default defineAgent({
  entry: async (context: JobContext) => {
    const { room, job } = context;
    let { language = 'en' } = metadataOf(job.metadata);
    const { workerId } = context;
    const logger = log().child({ job: job.id, room: job.room?.name, workerId, language });
    const begun = Date.now();
    const seen: Record<string, Record<string, string>> = {};
    const stop = new AbortController();
    let reason = 'caller_hung_up';

    context.addParticipantEntrypoint(
      guarded('note', async (_context, participant) => {
        const { identity, attributes } = participant;
        seen[identity] = { ...attributes };
        if (identity === 'some-service-bot') return;
        await room.localParticipant?.sendText(`Hello, ${identity}!`, { topic: 'greeting' });
      }),
    );
    context.addParticipantEntrypoint(
      guarded('number', async (_context, { info, attributes }) => {
        if (info.kind === ParticipantKind.SIP) logger.info({ number: attributes['sip.phoneNumber'] }, 'a telephone');
      }),
    );
    context.addParticipantEntrypoint(
      guarded('broken', async () => {
        throw new Error('an entrypoint that fails harms nobody else');
      }),
    );
    context.addShutdownCallback(() =>
      within('shutdown hook', HOOK_MS, Promise.resolve(logger.info('the shutdown hook ran'))),
    );
    context.addShutdownCallback(() =>
      within(
        'report',
        HOOK_MS,
        (async () => {
          const report = { job: job.id, metadata: job.metadata, reason, ms: Date.now() - begun, participants: seen };
          await mkdir('reports', { recursive: true });
          await writeFile(`reports/${job.id}.json`, JSON.stringify(report));
        })(),
      ),
    );
    room.on(RoomEvent.TrackSubscribed, (track, _publication, { identity }) => {
      logger.info({ identity, kind: track.kind }, 'a track is heard');
    });
    room.on(RoomEvent.ParticipantAttributesChanged, (changed, participant) => {
      if (changed['user.language'] !== undefined)
        void room.localParticipant?.setAttributes({ language: changed['user.language'] });
      seen[participant.identity] = { ...seen[participant.identity], ...changed };
      if (changed['echo'] !== 'off') return;
      reason = 'echo_switched_off';
      stop.abort();
    });
    room.on(RoomEvent.ParticipantDisconnected, () => stop.abort());
    room.on(RoomEvent.Disconnected, () => stop.abort());
    const limit = setTimeout(() => {
      reason = 'max_duration';
      stop.abort();
    }, LONGEST_MS);
    try {
      await context.connect(undefined, AutoSubscribe.AUDIO_ONLY);
      const caller = await within('the caller', CALLER_MS, context.waitForParticipant());
      language = caller.attributes['user.language'] ?? language;
      await room.localParticipant?.setAttributes({ role: 'echo', language });
      await room.localParticipant?.sendText('hello world', { topic: 'hello-world' });
      for (const { identity } of room.remoteParticipants.values()) logger.info({ identity }, 'is there');
      await echo(room, stop.signal);
    } catch (error) {
      reason = 'failed';
      logger.error({ error: String(error) }, 'the echo failed');
      await context.deleteRoom();
    } finally {
      clearTimeout(limit);
      context.shutdown(reason);
    }
  },
});

cli.runApp(
  new ServerOptions({
    agent: fileURLToPath(import.meta.url),
    agentName: process.env['LIVEKIT_AGENT_NAME'] ?? '',
    port: Number(process.env['LASTWORD_PORT'] ?? 8081),
  }),
);
