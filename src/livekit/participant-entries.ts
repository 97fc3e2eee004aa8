/** What may stand in `participants`: a function for everybody, or one for a kind. */
import { ParticipantKind, type RemoteParticipant } from '@livekit/rtc-node';
import type { Call } from './call.ts';
import { kindName } from './caller/choice.ts';

export type EntryRun = (call: Call, participant: RemoteParticipant) => void | Promise<void>;
export type KindName = Lowercase<keyof typeof ParticipantKind>;
/** `kind`: a telephone is `sip`, a browser or an app `standard`. */
export type ParticipantEntry = EntryRun | { kind: KindName; run: EntryRun };

const kinds = Object.keys(ParticipantKind).filter((name) => Number.isNaN(Number(name)));
const kindNames = kinds.map((name) => name.toLowerCase());

export const participantsExpected = `a list of functions (call, participant) => …, or of { kind, run } with a kind of ${kindNames.join(', ')}`;

export function isEntry(value: unknown): value is ParticipantEntry {
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null) return false;
  const { kind, run, ...more } = value as Record<string, unknown>;
  return kindNames.includes(String(kind)) && typeof run === 'function' && Object.keys(more).length === 0;
}

export const runOf = (entry: ParticipantEntry): EntryRun => (typeof entry === 'function' ? entry : entry.run);
export const isFor = (entry: ParticipantEntry, participant: RemoteParticipant): boolean =>
  typeof entry === 'function' || entry.kind === kindName(participant);
