/** What was expected, what came, and what to do. */
export type Wording = { expected: string; got: string; advice?: string | undefined };

export const sentenceOf = ({ expected, got, advice }: Wording): string =>
  `expected ${expected}, got ${got}${advice === undefined ? '' : `; ${advice}`}`;

/**
 * A wrong option, environment variable or file, found before any call is taken.
 *
 * The message is one line: the field, what was expected, what came, and what to do.
 */
export class ConfigError extends Error {
  readonly code = 'LASTWORD_CONFIG';
  readonly field: string;

  constructor(problem: { field: string; cause?: unknown } & (Required<Wording> | { message: string })) {
    const message = 'message' in problem ? problem.message : sentenceOf(problem);
    super(`${problem.field}: ${message}`, { cause: problem.cause });
    this.name = 'ConfigError';
    this.field = problem.field;
  }
}

/**
 * A value in a few words, for the "got …" of an error: short, on one line, and never the inside of an object, which may
 * hold a secret.
 */
export const describeValue = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string') {
    const flat = JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
    return value === '' ? 'an empty string' : flat;
  }
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  if (typeof value === 'symbol') return 'a symbol';
  try {
    if (Array.isArray(value)) return `a list of ${value.length}`; // throws for a revoked proxy
    const maker: unknown = Object.getPrototypeOf(value)?.constructor?.name;
    return typeof maker === 'string' && maker !== 'Object' ? `a ${maker}` : 'an object';
  } catch {
    return 'an object that cannot be read'; // a proxy
  }
};
