/**
 * A machine whose name server does not answer: in a mount namespace of its own, with a resolver at an address where
 * nobody replies. Names in `hosts` are found all the same. Linux; as root, or where user namespaces are allowed.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A loopback address of its own: nobody else's resolver. */
const BLACK_HOLE = '127.0.0.153';

export type NoDns = AsyncDisposable & {
  /** What a process is started with, to be on that machine. */
  wrapped: string[];
};

/** @param hosts names that have the address 127.0.0.1 */
export async function withoutDns(...hosts: string[]): Promise<NoDns> {
  const folder = await mkdtemp(join(tmpdir(), 'lastword-no-dns-'));
  const lines = hosts.map((name) => `127.0.0.1 ${name}\n`).join('');
  await writeFile(join(folder, 'hosts'), (await readFile('/etc/hosts', 'utf8')) + lines);
  await writeFile(join(folder, 'resolv.conf'), `nameserver ${BLACK_HOLE}\noptions timeout:5 attempts:2\n`);
  const hole = createSocket('udp4').bind(53, BLACK_HOLE); // takes every question, and says nothing
  await once(hole, 'listening');
  const mounts = ['hosts', 'resolv.conf'].map((name) => `mount --bind ${join(folder, name)} /etc/${name}`);
  const script = ['mount --make-rprivate /', ...mounts, 'exec "$@"'].join(' && ');
  return {
    wrapped: ['unshare', '--map-root-user', '--mount', 'sh', '-c', script, 'sh'],
    async [Symbol.asyncDispose]() {
      hole.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
