/** Where the page has its answers from: the server, or the page itself when it is an export. */
import type { AnswerOf, Calls, EntryRow, Reference, StateAt } from '../../../reads/answers.ts';

export type AnswerName = keyof AnswerOf;

/** What a session's stream brings at once. */
export type SessionNews = {
  rows: EntryRow[];
  states: { machine: string; file: string; ref: Reference; states: string[] }[];
  moved: StateAt['moved'];
};

/** `quiet`: nothing came for longer than the server is ever silent. */
export type LinkState = 'connecting' | 'open' | 'quiet' | 'refused' | 'stored';
export type Follower<News> = { take: (news: News) => void; tell: (link: LinkState, why?: string) => void };

/** What the caller hears, as the server passes it on; `hush`: what was not played yet is cut. */
export type HeardSound = { kind: 'sound'; sampleRate: number; samples: string } | { kind: 'hush' };
/** Beside `npm start`: a call that is played with from here. */
export type PlayedCall = { session: string; microphoneRate: number | null };

export interface PageAnswers {
  /** False: a file. What acts, lists and streams is not there. */
  readonly isLive: boolean;
  /** Of a file: when it was made, and what was left out of it, in words; empty: nothing. */
  readonly ofFile?: { madeAt: number; leftOut: string };
  /** @throws AnswerProblem */
  read<Name extends AnswerName>(name: Name, asked: object, signal?: AbortSignal): Promise<AnswerOf[Name]>;
  /** @returns how to end it */
  followCalls(asked: object, follower: Follower<Calls>): () => void;
  /** @param from a position: what lies behind it comes, each entry once. */
  followSession(session: string, from: string, follower: Follower<SessionNews>): () => void;
  /** The text of a drawing. @throws AnswerProblem */
  chart(machine: string): Promise<string>;
  /** Undefined: there is no call to play with. */
  played(): Promise<PlayedCall | undefined>;
  /** A line as if it were typed in the terminal, or a moment of a voice. @throws AnswerProblem */
  play(what: { line: string } | { samples: string }): Promise<void>;
  followSound(follower: Follower<HeardSound>): () => void;
  /** @throws AnswerProblem */
  act(name: 'redeliver' | 'end', body: object): Promise<void>;
}

/** One line for people; `status` as in HTTP, 0 where nobody answered. */
export class AnswerProblem extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
