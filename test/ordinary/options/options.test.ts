/** Every option that the SDK's types declare has a row; every row is a healthy call, or a refusal in one line. */
import { expect, test } from 'vitest';
import { healthy } from '../harness/call.ts';
import { type Declaration, declarations, optionsOf } from './declared.ts';
import { ofAgent } from './of-agent.ts';
import { ofRecording, ofRoomInput, ofRoomOutput, ofStart } from './of-room.ts';
import {
  ofAsyncTools,
  ofConnection,
  ofConnections,
  ofExpressive,
  ofKeytermDetection,
  ofKeyterms,
  ofSession,
  ofToolHandling,
  ofVoice,
} from './of-session.ts';
import { ofEndpointing, ofInterruption, ofPreemptive, ofTurnHandling, ofTurnLimit } from './of-turns.ts';
import { type Rows, talk } from './row.ts';

const rows: Record<Declaration, Rows> = {
  AgentSessionOptions: ofSession,
  VoiceOptions: ofVoice,
  ExpressiveOptions: ofExpressive,
  RecordingOptions: ofRecording,
  start: ofStart,
  TurnHandlingOptions: ofTurnHandling,
  EndpointingOptions: ofEndpointing,
  InterruptionOptions: ofInterruption,
  PreemptiveGenerationOptions: ofPreemptive,
  UserTurnLimitOptions: ofTurnLimit,
  KeytermsOptions: ofKeyterms,
  KeytermDetectionOptions: ofKeytermDetection,
  ToolHandlingOptions: ofToolHandling,
  AsyncToolOptions: ofAsyncTools,
  SessionConnectOptions: ofConnections,
  APIConnectOptions: ofConnection,
  RoomInputOptions: ofRoomInput,
  RoomOutputOptions: ofRoomOutput,
  AgentOptions: ofAgent,
};

test.each(declarations)('every option of %s has a row, and no row is of an option that is gone', (declaration) => {
  expect(Object.keys(rows[declaration]).toSorted()).toEqual(optionsOf(declaration).toSorted());
});

for (const declaration of declarations) {
  for (const [option, tried] of Object.entries(rows[declaration])) {
    for (const row of tried) {
      const title = `${declaration}.${option}: ${row.value}`;
      if ('given' in row) healthy(title, row.given, row.live ?? talk);
      else if ('problem' in row) {
        test(`${title} is refused in one line, with what to use instead`, () => {
          expect(row.problem()).toContain(row.says);
          expect(row.problem()).not.toContain('\n');
        });
      }
    }
  }
}
