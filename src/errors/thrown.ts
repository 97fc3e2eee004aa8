/** What was thrown, by the SDK or by users' code: anything at all, also what throws when it is asked what it is. */

/** Longer ones go into log lines, alerts and reports, several times each; nobody reads them to their end. */
const MESSAGE_CHARACTERS = 4096;

/** What was thrown, as a text of bounded length. Survives everything that can be thrown, getters that throw included. */
export function messageOf(thrown: unknown): string {
  try {
    const isNamed = typeof thrown === 'object' && thrown !== null && 'message' in thrown;
    const message = String(isNamed ? thrown.message : thrown);
    const text = message === '' && thrown instanceof Error ? String(thrown.name as unknown) : message;
    return text.length <= MESSAGE_CHARACTERS ? text : `${text.slice(0, MESSAGE_CHARACTERS)}…`;
  } catch {
    return 'something that cannot be printed was thrown';
  }
}

/** `instanceof` for what users throw and return: a proxy may throw when it is asked what it is. */
export function isA<Value>(value: unknown, kind: abstract new (...given: never[]) => Value): value is Value {
  try {
    return value instanceof kind;
  } catch {
    return false;
  }
}

/** The stack, for the journal; undefined when there is none or it cannot be read. */
export function stackOf(thrown: unknown): string | undefined {
  try {
    return thrown instanceof Error ? thrown.stack : undefined;
  } catch {
    return undefined;
  }
}
