/** A worker that cannot start as it was asked to: one line, and an end that no restart would help. */
import { messageOf } from '../errors/thrown.ts';

/** Exit code 78: the configuration is wrong, and starting again will not help (EX_CONFIG of sysexits). */
export function refuse(problem: string): never {
  console.error(`lastword: ${problem}`);
  process.exit(78);
}

export function orRefuse<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    return refuse(messageOf(error));
  }
}
