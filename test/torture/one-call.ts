/**
 * One call of a patient person: they ask, wait for the answer, think, ask again, and say goodbye. Who is not heard asks
 * once more, as people do; who is answered with nothing three times in a row has been left alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../machine/random.ts';
import { type Caller, type Deployment } from '../e2e/harness/index.ts';
import type { Told } from './verdict.ts';

/** Of the receptionist that the lab plays. */
const SMALL_TALK: Words = { question: 'How are you?', answer: 'Very well, thank you. And you?' };
/** How long a person waits for anybody before they hang up, and for an answer before they ask again. */
const ANYBODY_MS = 40_000;
const AGAIN_MS = 15_000;
const ATTEMPTS = 3;
const GOODBYE_MS = 15_000;

export type Words = { question: string; answer: string };
export type PlacedCall = Awaited<ReturnType<Deployment['call']>>;
export type CallOptions = {
  turns: number;
  /** Default: a room that calls for the agent, and then a caller in it. */
  place?: () => Promise<PlacedCall>;
  /** Default: how are you. */
  words?: Words;
  onJoined?: (call: PlacedCall) => void;
  onGreeted?: (name: string) => void;
  /** Numbered from 0; the last are the words that end the call. Who waits for something says nothing meanwhile. */
  beforeWords?: (turn: number) => Promise<void>;
};

/** *Effect.* Never rejects: what went wrong is told. */
export async function oneCall(deployment: Deployment, random: Random, options: CallOptions): Promise<Told> {
  const { turns, words: { question, answer } = SMALL_TALK, onJoined, onGreeted, beforeWords } = options;
  const { place = () => deployment.call() } = options;
  const told: Told = { name: '', heardAgent: false, turns: 0, waitsMs: [], ended: 'unanswered' };
  let caller: Caller | undefined;
  try {
    const made = await place();
    told.name = made.name;
    caller = made.caller;
    onJoined?.(made);
    const { lab } = made;
    const person = caller;
    const isOver = () => person.find('disconnected') !== undefined;
    const heardOf = (line: string) => person.line(lab, line).filter(({ share }) => share > 0.5).length;
    /** Something of us is heard, or the line is down. */
    const waits = async (look: () => boolean, ms: number): Promise<boolean> =>
      person
        .until('it', () => isOver() || look(), ms)
        .then(
          () => !isOver(),
          () => false,
        );

    const isGreeted = await waits(() => person.sounds().length > 0, ANYBODY_MS);
    told.heardAgent = person.sounds().length > 0;
    if (!isGreeted) {
      told.ended = told.heardAgent || isOver() ? 'let go' : 'unanswered';
      return told;
    }
    onGreeted?.(made.name);
    for (let turn = 0; turn < turns && !isOver(); turn += 1) {
      await beforeWords?.(turn);
      await sleep(500 + random.below(2_500));
      if (!(await asks(person, question, () => heardOf(answer) > told.turns, { lab, told, waits }))) break;
      told.turns = heardOf(answer);
    }
    if (!isOver() && told.ended !== 'silent') {
      await beforeWords?.(turns);
      await sleep(500 + random.below(1_500));
      for (let attempt = 0; attempt < ATTEMPTS && !isOver(); attempt += 1) {
        await person.say(lab, 'Goodbye.').catch(() => undefined);
        await person.disconnected(GOODBYE_MS).catch(() => undefined);
      }
      told.ended = isOver() ? 'goodbye' : 'silent';
    } else if (isOver()) told.ended = 'let go';
  } catch (error) {
    told.trouble = error instanceof Error ? error.message.split('\n')[0] : String(error);
    told.ended = caller?.find('disconnected') ? 'let go' : told.ended;
  } finally {
    await caller?.[Symbol.asyncDispose]();
  }
  return told;
}

type Asking = {
  lab: Parameters<Caller['say']>[0];
  told: Told;
  waits: (look: () => boolean, ms: number) => Promise<boolean>;
};

/** @returns whether it was answered; false also when the line went down, or nobody answered at all */
async function asks(
  person: Caller,
  question: string,
  isAnswered: () => boolean,
  { lab, told, waits }: Asking,
): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const said = await person.say(lab, question).catch(() => undefined);
    if (!said || person.find('disconnected')) return false;
    if (await waits(isAnswered, AGAIN_MS)) {
      const sound = person.sounds().find(({ to }) => to > said.to);
      told.waitsMs.push(Math.max(0, Math.round((sound?.from ?? said.to) - said.to)));
      return true;
    }
    if (person.find('disconnected')) return false;
  }
  told.ended = 'silent';
  return false;
}
