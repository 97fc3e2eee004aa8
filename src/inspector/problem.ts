/** What a request gets that is not answered: a status, and one line for whoever reads it. */
import { sentenceOf, type Wording } from '../errors/config-error.ts';

export class RequestProblem extends Error {
  override readonly name = 'RequestProblem';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** *Pure.* 400: what was expected, what came, what to do. */
export const badRequest = (field: string, wording: Required<Wording>): RequestProblem =>
  new RequestProblem(400, `${field}: ${sentenceOf(wording)}`);
