/**
 * Lastword: every voice session gets its last word.
 *
 * ```ts
 * export default defineSession({
 *   session: (call) => ({ stt, llm, tts, vad: call.proc.userData.vad }),
 *   agent: () => new Receptionist(),
 *   greeting: { say: 'Hello, this is Ada.' },
 *   goodbye: { say: 'Thank you. Goodbye.' },
 *   reports: [webhook({ url, secret })],
 * });
 * runWorker(import.meta.url);
 * ```
 */

// A session: what it is, and who runs it.
export { defineSession } from './job/define-session.ts';
export { runWorker } from './worker/run-worker.ts';
export type { WorkerOptions } from './worker/worker-options.ts';
export type { SessionDefinition, StartOptions } from './livekit/definition.ts';
export type { Apology, Filler, Words } from './livekit/lines.ts';
export type { GivenPolicy, OfCall } from './livekit/of-call.ts';
export type { ConnectOptions } from './livekit/connect-options.ts';
export type { ParticipantEntry } from './livekit/participant-entries.ts';
export { DefinitionError } from './livekit/definition.ts';
export { ConfigError } from './errors/config-error.ts';

// From inside a call.
export { currentCall } from './livekit/current-call.ts';
export type { Call, EndOptions, TransferTarget } from './livekit/call.ts';
export { endSessionTool } from './livekit/tools/end-session.ts';

// Where reports and alerts go.
export { destination, file, slack, stdout } from './delivery/destinations.ts';
export { webhook } from './delivery/webhook.ts';
export { signWebhook, verifyWebhook } from './delivery/sign.ts';
export type { Destination } from './link/destination.ts';
export type { Report } from './report/schema.ts';

// Limits, and the numbers that follow from them.
export { bound, defaultPolicy, releaseBound, silenceBound, startBound } from '../machines/index.ts';
export type { CallLimits, End, KeeperLimit, Policy, Transferred } from '../machines/index.ts';

export { version } from './job/version.ts';
