/** The keeper's log: lines of JSON, or for people. Who reads it, and whether anybody does, is the output's business. */
import { pino, type Logger } from 'pino';
import { escapeMarks, withoutSecrets } from '../output/for-people.ts';
import { standardOutput, type Output } from '../output/standard-output.ts';

/**
 * *Effect.* Logs to standard output; says later how many lines were lost.
 * @param spell from a line of JSON to what is written; default: the line
 */
export function openLog(output: Output = standardOutput(), spell: (line: string) => string = asItIs): Logger {
  const log = pino({}, { write: (line) => output.write(spell(withoutSecrets(line))) });
  output.onLost(({ lines, why }) =>
    log.warn({ lost: lines, why }, 'the log could not be written for a while; lines are lost'),
  );
  return log;
}

/** JSON escapes the control characters below 32 and no others: a room's name could still drive a terminal. */
const asItIs = (line: string): string => `${escapeMarks(line.trimEnd())}\n`;
