/**
 * LiveKit's native library hands each of its own log records to JavaScript, where nobody reads them (`@livekit/rtc-node`
 * 0.13 has no handler for them): 600 while a call connects, 1,500 in its first seconds, each decoded and dropped on the
 * thread that answers the caller. Without them the first word comes 80 ms sooner (docs/decisions/2026-11-30-a-second.md).
 */
import { createRequire } from 'node:module';

type Native = { livekitInitialize: (heard: unknown, handsOverLogs: boolean, version: string) => void };

const isDone = Symbol.for('lastword.native-log');

/**
 * *Effect.* On this process, before it uses the library for the first time; later, and where the library is another
 * one, nothing changes. Who sets `RUST_LOG` gets its log on the standard error.
 */
export function dropNativeLog(): void {
  try {
    const ofRtc = createRequire(createRequire(import.meta.url).resolve('@livekit/rtc-node'));
    const native = ofRtc('@livekit/rtc-ffi-bindings') as Native & { [isDone]?: true };
    if (native[isDone]) return;
    const initialize = native.livekitInitialize;
    native.livekitInitialize = (heard, _, version) => {
      const given = process.env['RUST_LOG'];
      process.env['RUST_LOG'] ??= 'off';
      try {
        initialize(heard, false, version);
      } finally {
        if (given === undefined) delete process.env['RUST_LOG'];
      }
    };
    native[isDone] = true;
  } catch {
    // Then it is decoded, as ever.
  }
}
