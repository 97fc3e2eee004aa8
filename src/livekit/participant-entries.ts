/** What may stand in `participants`: a function for everybody, or one for a kind. */
import { ParticipantKind, type RemoteParticipant } from '@livekit/rtc-node';
import { z } from 'zod';
import { aFunction, expected, fields } from '../errors/expected.ts';
import type { Call } from './call.ts';
import { kindName } from './caller/choice.ts';

export type EntryRun = (call: Call, participant: RemoteParticipant) => void | Promise<void>;
export type KindName = Lowercase<keyof typeof ParticipantKind>;
/** `kind`: a telephone is `sip`, a browser or an app `standard`. */
export type ParticipantEntry = EntryRun | { kind: KindName; run: EntryRun };

const kinds = Object.keys(ParticipantKind).filter((name) => Number.isNaN(Number(name)));
const kindNames = kinds.map((name) => name.toLowerCase());

const kindExpected = `{ kind, run } with a kind of ${kindNames.join(', ')}`;
export const participantEntries = z.array(
  z.union(
    [aFunction(), fields({ kind: z.enum(kindNames), run: aFunction() })],
    expected(`a function (call, participant) => …, or ${kindExpected}`),
  ),
  expected(`a list of functions (call, participant) => …, or of ${kindExpected}`),
);

export const runOf = (entry: ParticipantEntry): EntryRun => (typeof entry === 'function' ? entry : entry.run);
export const isFor = (entry: ParticipantEntry, participant: RemoteParticipant): boolean =>
  typeof entry === 'function' || entry.kind === kindName(participant);
