/** LiveKit's server API did not do what was asked. `hopeless`: asking again cannot help (wrong key, wrong request). */
export class RoomsError extends Error {
  readonly code = 'LASTWORD_ROOMS';
  /** The HTTP status, when the server answered. */
  readonly status: number | undefined;
  readonly hopeless: boolean;

  constructor(message: string, options: { status?: number; hopeless?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'RoomsError';
    this.status = options.status;
    this.hopeless = options.hopeless ?? false;
  }
}
