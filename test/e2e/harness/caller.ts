/**
 * The test's side of a caller: starts its process, says what it shall do, waits for what it hears.
 *
 * Every wait has a deadline, and says at its end what was heard instead.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { callerSpeech, measureSpeech } from '../../../src/testing/index.ts';
import type { LabChannel, Spoken } from '../../../src/testing/index.ts';
import { readWav } from '../../../src/sound/wav.ts';
import type { Wav } from '../../../src/sound/wav.ts';
import type { CallerEvent, FromCaller, Microphone, ToCaller, TrackHeard } from './caller-messages.ts';
import { compiled } from './compiled.ts';
import type { HeardRecording, HeardUtterance, Sound } from './heard.ts';
import { roomsOf } from './rooms.ts';
import type { LiveKitAddress } from './server.ts';

const START_MS = 10_000;
const JOIN_MS = 10_000;
const LEAVE_MS = 5000;
const RECALL_MS = 10_000;
const EXIT_MS = 3000;

export type CallerWish = {
  server: LiveKitAddress;
  room: string;
  /** Default `caller`. */
  identity?: string;
  kind?: 'standard' | 'sip' | 'agent';
  /** May neither speak nor write. */
  isObserver?: boolean;
  attributes?: Record<string, string>;
  /** `silent` sends silence only; `none` publishes nothing. Default `on`. */
  microphone?: Microphone;
  /** Subscribes to nothing: whatever the agent publishes, nobody hears it. */
  isDeaf?: boolean;
  /** Joining makes the room and calls for this agent, as a web client's token does. Default: the room is there already. */
  agentName?: string;
  /** Metadata of that call: the job's. */
  jobMetadata?: string;
  /** What else may tell why something did not come: asked when a wait has failed. */
  account?: () => Promise<string>;
};
export type CallerEventOf<Kind extends CallerEvent['kind']> = CallerEvent & { kind: Kind };

/** How a line was heard: of each time it was synthesised, what arrived. */
export type HeardLine = {
  plannedMs: number;
  heardMs: number;
  share: number;
  times: number;
  firstAt: number;
  lastAt: number;
};

export interface Caller {
  readonly identity: string;
  readonly pid: number;
  readonly joinedAt: number;
  readonly events: readonly CallerEvent[];
  /** Processor time that the caller's process has used, milliseconds. */
  readonly cpuMs: number;
  /** What was heard up to about 100 ms ago; complete after the disconnection. */
  readonly tracks: readonly TrackHeard[];
  utterances(): HeardUtterance[];
  /** Where anything sounded, on any track, overlaps joined. */
  sounds(): Sound[];
  /** How one line of the lab was heard, one element for each time it was spoken and heard. */
  line(lab: { spoken(text: string): Spoken[][] }, text: string): HeardLine[];
  /** Which of the bundled recordings were heard. */
  recordings(): Promise<HeardRecording[]>;
  find<Kind extends CallerEvent['kind']>(kind: Kind): CallerEventOf<Kind> | undefined;
  /** Resolves with the first result that is neither undefined nor false; looked at after each message of the caller. */
  until<Result>(what: string, look: () => Result | undefined | false, ms: number): Promise<Result>;
  /** Plays audio of 16 kHz into the microphone. Resolves when its last sample is out. */
  play(wav: Wav): Promise<CallerEventOf<'said'>>;
  /** Speaks a line: the lab is told how it is to be heard. */
  say(lab: Pick<LabChannel, 'hears'>, line: string): Promise<CallerEventOf<'said'>>;
  /** Presses a key of the telephone. */
  press(key: string): void;
  /** Sets an attribute, `page`, of so many characters, again and again. Resolves when the last was sent. */
  flood(wish: { characters: number; everyMs: number; times: number }): Promise<void>;
  disconnected(ms: number): Promise<CallerEventOf<'disconnected'>>;
  /** Hangs up: leaves with a message to the server. */
  leave(): Promise<void>;
  /** `kill -9`: nobody is told. */
  vanish(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Joins a room as a caller; resolves when joined. Dispose of it, and its process is gone. */
export async function startCaller(wish: CallerWish): Promise<Caller> {
  const {
    server,
    room,
    identity = 'caller',
    kind,
    attributes,
    isObserver = false,
    microphone = isObserver ? 'none' : 'on',
    isDeaf = false,
    agentName,
    jobMetadata,
    account = async () => '',
  } = wish;
  const token = await roomsOf(server).token({
    room,
    identity,
    ...(kind ? { kind } : {}),
    ...(attributes ? { attributes } : {}),
    isObserver,
    ...(agentName !== undefined && { agentName }),
    ...(jobMetadata !== undefined && { jobMetadata }),
  });
  const child = fork(compiled('test/e2e/harness/caller-process.ts'), [], {
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const events: CallerEvent[] = [];
  const watchers = new Set<() => void>();
  const recalled = new Map<number, TrackHeard[]>();
  let tracks: TrackHeard[] = [];
  let cpuMs = 0;
  let failure: string | undefined;
  let isReady = false;
  let requests = 0;
  child.on('message', (message: FromCaller) => {
    if (message.type === 'ready') isReady = true;
    if (message.type === 'event') events.push(message.event);
    if (message.type === 'failed') failure = message.error;
    if (message.type === 'recalled') recalled.set(message.request, message.tracks);
    if (message.type === 'heard') {
      tracks = message.tracks;
      cpuMs = message.cpuMs;
    }
    for (const watcher of watchers) watcher();
  });
  child.on('exit', () => {
    for (const watcher of watchers) watcher();
  });
  const tell = (message: ToCaller) => child.send(message);

  function find<Kind extends CallerEvent['kind']>(wanted: Kind): CallerEventOf<Kind> | undefined {
    return events.find((event): event is CallerEventOf<Kind> => event.kind === wanted);
  }

  function until<Result>(what: string, look: () => Result | undefined | false, ms: number): Promise<Result> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void) => {
        clearTimeout(timer);
        watchers.delete(watch);
        settle();
      };
      const fail = (why: string) =>
        done(() => {
          const heard = `${identity}: expected ${what} within ${ms} ms; ${why}\n${describe(events, tracks)}`;
          account().then((more) => reject(new Error(`${heard}\n${more}`)), reject);
        });
      const watch = () => {
        try {
          const result = look();
          if (result !== undefined && result !== false) return done(() => resolve(result));
        } catch (error) {
          return done(() => reject(error as Error));
        }
        if (failure !== undefined) fail(`its process failed: ${failure}`);
        else if (child.exitCode !== null) fail('its process has ended');
      };
      const timer = setTimeout(() => fail('it did not come'), ms);
      watchers.add(watch);
      watch();
    });
  }

  async function dispose(): Promise<void> {
    if (child.connected) child.disconnect();
    await exitOf(child);
  }

  const play = (wav: Wav) => {
    const said = (requests += 1);
    tell({ type: 'say', said, wav });
    const ms = (wav.samples.length / wav.sampleRate) * 1000 + JOIN_MS;
    const isIt = (event: CallerEvent): event is CallerEventOf<'said'> => event.kind === 'said' && event.said === said;
    return until('its words to be said', () => events.find(isIt), ms);
  };
  const utterances = () =>
    tracks.flatMap((track) => track.utterances).toSorted((one, other) => one.firstAt - other.firstAt);

  const recordings = ['apology', 'filler'].map((name) => ({
    name,
    wav: readWav(new URL(`../../../src/sound/assets/${name}.en.wav`, import.meta.url)),
  }));
  let joinedAt: number;
  try {
    await until('its process to start', () => isReady, START_MS);
    tell({ type: 'join', url: server.url, token, microphone, isDeaf, recordings });
    joinedAt = (await until('to join', () => find('joined'), JOIN_MS)).at;
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    identity,
    pid: child.pid as number,
    joinedAt,
    events,
    get tracks() {
      return tracks;
    },
    get cpuMs() {
      return cpuMs;
    },
    utterances,
    sounds: () => joined(tracks.flatMap((track) => track.sounds)),
    line: (lab, text) => lab.spoken(text).flatMap((parts) => heardLine(parts, utterances()) ?? []),
    recordings: async () => {
      if (!child.connected) return tracks.flatMap((track) => track.recordings);
      const request = (requests += 1);
      tell({ type: 'recall', request });
      const all = await until('to recall what it heard', () => recalled.get(request), RECALL_MS);
      return all.flatMap((track) => track.recordings).toSorted((one, other) => one.at - other.at);
    },
    find,
    until,
    play,
    say: (lab, line) => {
      const wav = callerSpeech(line);
      lab.hears(line, measureSpeech(wav));
      return play(wav);
    },
    flood: async (wish) => {
      const said = (requests += 1);
      tell({ type: 'flood', said, ...wish });
      const isIt = (event: CallerEvent) => event.kind === 'said' && event.said === said;
      await until('its attributes to be set', () => events.find(isIt), 4 * wish.everyMs * wish.times + JOIN_MS);
    },
    press: (key) => void tell({ type: 'press', key }),
    disconnected: (ms) => until('to be disconnected', () => find('disconnected'), ms),
    leave: async () => {
      tell({ type: 'leave' });
      await until('to leave', () => find('disconnected'), LEAVE_MS);
    },
    vanish: async () => {
      child.kill('SIGKILL');
      await exitOf(child);
    },
    [Symbol.asyncDispose]: dispose,
  };
}

function heardLine(parts: readonly Spoken[], heard: readonly HeardUtterance[]): HeardLine | undefined {
  const found = parts.flatMap((part) => heard.filter((utterance) => utterance.utterance === part.utterance));
  if (found.length === 0) return undefined;
  const plannedMs = parts.reduce((sum, part) => sum + part.durationMs, 0);
  const heardMs = found.reduce((sum, utterance) => sum + utterance.heardMs, 0);
  return {
    plannedMs,
    heardMs,
    share: heardMs / plannedMs,
    times: Math.max(...found.map((utterance) => utterance.times)),
    firstAt: Math.min(...found.map((utterance) => utterance.firstAt)),
    lastAt: Math.max(...found.map((utterance) => utterance.lastAt)),
  };
}

/** Pure. Stretches without any sound between two times, longest first. */
export function silences(
  sounds: readonly Sound[],
  from: number,
  to: number,
): { from: number; to: number; ms: number }[] {
  const found: { from: number; to: number; ms: number }[] = [];
  let since = from;
  for (const sound of joined(sounds)) {
    const until = Math.min(sound.from, to);
    if (until > since) found.push({ from: since, to: until, ms: until - since });
    since = Math.max(since, sound.to);
  }
  if (to > since) found.push({ from: since, to, ms: to - since });
  return found.toSorted((one, other) => other.ms - one.ms);
}

function joined(sounds: readonly Sound[]): Sound[] {
  const all: Sound[] = [];
  for (const sound of sounds.toSorted((one, other) => one.from - other.from)) {
    const last = all.at(-1);
    if (last && sound.from <= last.to) {
      last.to = Math.max(last.to, sound.to);
      last.codedMs += sound.codedMs;
    } else all.push({ ...sound });
  }
  return all;
}

function describe(events: readonly CallerEvent[], tracks: readonly TrackHeard[]): string {
  const start = events.find((event) => event.kind === 'joined')?.at ?? 0;
  const lines = events.map((event) =>
    JSON.stringify(event, (key, value: unknown) => (key === 'at' ? Number(value) - start : value)),
  );
  for (const track of tracks) {
    for (const { utterance, firstAt, heardMs, times } of track.utterances) {
      lines.push(
        `heard of ${track.participant}: utterance ${utterance} at ${Math.round(firstAt - start)} ms, ${heardMs} ms of it, times ${times}`,
      );
    }
  }
  return `What happened (ms since it joined):\n  ${lines.join('\n  ')}`;
}

async function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const late = setTimeout(() => child.kill('SIGKILL'), EXIT_MS);
  await once(child, 'exit');
  clearTimeout(late);
}
