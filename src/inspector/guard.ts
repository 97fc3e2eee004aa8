/**
 * Who may ask. *Pure.*
 *
 *   G1  A page of somebody else that makes its name point to this machine (DNS rebinding) still says its own name as
 *       Host: only names and addresses that we listen as are answered.
 *   G2  A page of somebody else that asks us directly says where it comes from, as Origin; the browser adds
 *       Sec-Fetch-Site. Whoever says neither is no browser, and needs the token all the same.
 *   G3  Nothing but our own files runs in the page, and nobody else is asked for anything.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { RequestProblem } from './problem.ts';

/** Names and addresses without a port, in lower case; IPv6 in brackets, as in a URL. */
export type ListeningAs = { names: ReadonlySet<string>; port: number };

/** G3. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(self)',
};

const loopback = ['127.0.0.1', 'localhost', '[::1]'];
const everywhere: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

export const bracketed = (address: string): string => (isIP(address) === 6 ? `[${address.toLowerCase()}]` : address);
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

/**
 * What a browser may call us.
 * @param host that we were told to listen on; @param own names and addresses of this machine
 */
export function namesOf(host: string, own: readonly string[]): ReadonlySet<string> {
  const more = everywhere.has(host) ? own : [];
  const isNear = everywhere.has(host) || isLoopback(host);
  return new Set([host, ...more].map((name) => bracketed(name.toLowerCase())).concat(isNear ? loopback : []));
}

/** Of `127.0.0.1:7373`; undefined for what is no host. A port that is left out is 80. */
const hostIn = (text: string): { name: string; port: number } | undefined => {
  const [, name = '', port = '80'] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  return name === '' ? undefined : { name: name.toLowerCase(), port: Number(port) };
};
const isOurs = (text: string, { names, port }: ListeningAs): boolean => {
  const host = hostIn(text);
  return host !== undefined && names.has(host.name) && host.port === port;
};

/** G1. @throws RequestProblem */
export function checkHost(headers: IncomingHttpHeaders, listening: ListeningAs): void {
  if (isOurs(headers.host ?? '', listening)) return;
  throw new RequestProblem(
    421,
    `Host: expected a name or address that the inspector listens as, got another one; open the address that it printed, or give it with --host`,
  );
}

/** G2. @throws RequestProblem */
export function checkOrigin({ origin, ...headers }: IncomingHttpHeaders, listening: ListeningAs): void {
  const site = headers['sec-fetch-site'];
  const isStrange = site !== undefined && site !== 'same-origin' && site !== 'none';
  const isOther =
    origin !== undefined && !(origin.startsWith('http://') && isOurs(origin.slice('http://'.length), listening));
  if (isStrange || isOther)
    throw new RequestProblem(403, "Origin: expected the inspector's own page, got another one; nobody else may ask");
}

/** Of `Authorization: Bearer TOKEN`; empty where there is none. */
export const tokenIn = ({ authorization = '' }: IncomingHttpHeaders): string =>
  /^Bearer ([\w-]{1,256})$/i.exec(authorization)?.[1] ?? '';
