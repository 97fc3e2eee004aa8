/** What handlers share. */
import type { Actions } from './act.ts';
import type { CallsFeeds } from './calls-feed.ts';
import type { Codes } from './codes.ts';
import type { Watchers } from './events.ts';
import type { PageFiles } from './files.ts';
import type { Playground } from './playground.ts';
import type { Reading } from './reading.ts';
import type { PageRequest } from './request.ts';
import type { SessionFeeds } from './session-feed.ts';

export type InspectorContext = {
  readonly codes: Codes;
  readonly token: string;
  /** Somebody came with a code that is used up: an address with this new one is printed. */
  readonly printAddress: (code: string) => void;
  readonly page: PageFiles;
  readonly charts: PageFiles;
  /** Replays, and all that is asked of one session. */
  readonly replaying: Reading;
  /** Lists and streams: a long replay keeps none of them. */
  readonly following: Reading;
  readonly sessions: SessionFeeds;
  readonly calls: CallsFeeds;
  readonly watchers: Watchers;
  /** Undefined: started without --allow-actions. */
  readonly actions: Actions | undefined;
  /** Undefined: this is no playground. */
  readonly playground?: Playground | undefined;
};

/** Answers, or throws a RequestProblem. */
export type Handler = (request: PageRequest, context: InspectorContext) => Promise<void> | void;
