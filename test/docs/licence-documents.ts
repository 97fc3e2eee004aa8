/** docs/licences.md: what comes along when this package is installed, and under which terms. Pure. */

type Locked = { version?: string; license?: string; dev?: boolean; devOptional?: boolean; peer?: boolean };
export type Licensed = { name: string; version: string; licence: string };

/** From package-lock.json; peers are what users choose themselves. Fails for a package that names no licence. */
export function licensedIn(lock: string): Licensed[] {
  const { packages } = JSON.parse(lock) as { packages: Record<string, Locked> };
  const all = Object.entries(packages)
    .filter(([path, { dev, devOptional, peer }]) => path !== '' && !dev && !devOptional && !peer)
    .map(([path, { version = '', license = '' }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      if (license === '') throw new Error(`${name} ${version}: expected a licence in package-lock.json, got none`);
      return { name, version, licence: license };
    });
  const rows = new Map(all.map((row) => [`${row.name} ${row.version}`, row]));
  return [...rows.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

export const licenceDocument = (licensed: readonly Licensed[]): string => `# Licences

Lastword itself is under the [MIT licence](../LICENSE). These packages are installed with it; the SDK and its plugins are not among them, you choose them yourself. Written by \`npm run gen:docs\` from \`package-lock.json\`.

| package | version | licence |
| --- | --- | --- |
${licensed.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`).join('\n')}
`;
