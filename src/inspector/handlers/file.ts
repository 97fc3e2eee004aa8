/** `GET /`, `GET /assets/NAME`, `GET /chart/NAME`: the page itself, without any data in it. */
import type { Handler } from '../context.ts';
import type { PageFile } from '../files.ts';
import { RequestProblem } from '../problem.ts';
import type { PageRequest } from '../request.ts';

const send = ({ raw, response }: PageRequest, file: PageFile | undefined, what: string): void => {
  if (!file) throw new RequestProblem(404, `${what} is not there; npm run build makes it`);
  response.setHeader('etag', file.tag);
  response.setHeader('cache-control', 'no-cache');
  response.setHeader('vary', 'accept-encoding');
  if (raw.headers['if-none-match'] === file.tag) return void response.writeHead(304).end();
  const isZipped = /\bgzip\b/.test(raw.headers['accept-encoding'] ?? '');
  const bytes = isZipped ? file.zipped : file.bytes;
  response.writeHead(200, {
    'content-type': file.type,
    'content-length': bytes.length,
    ...(isZipped && { 'content-encoding': 'gzip' }),
  });
  response.end(bytes);
};

export const sendPage: Handler = (request, { page }) => send(request, page.get('index.html'), 'the page');
export const sendAsset: Handler = (request, { page }) =>
  send(request, page.get(request.parts['name'] ?? ''), 'this file');
export const sendChart: Handler = (request, { charts }) =>
  send(request, charts.get(request.parts['name'] ?? ''), 'this chart');
