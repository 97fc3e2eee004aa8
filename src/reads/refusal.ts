/** How a question is refused: one line that says what was expected, what came, and what to do. */

export type ReadErrorCode =
  /** The question itself: HTTP 400, exit code 2. */
  | 'BAD_QUESTION'
  /** No such session, entry or request: HTTP 404, exit code 3. */
  | 'NOT_FOUND'
  /** A part that is not built yet. */
  | 'NOT_BUILT';

export class ReadError extends Error {
  override readonly name = 'ReadError';
  readonly code: ReadErrorCode;

  constructor(code: ReadErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** *Pure.* What somebody wrote, short enough for a line. */
export const quote = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
};

/** *Pure.* */
export const refusedQuestion = (what: string, expected: string, got: unknown, advice: string): ReadError =>
  new ReadError('BAD_QUESTION', `${what}: expected ${expected}, got ${quote(got)}; ${advice}`);
