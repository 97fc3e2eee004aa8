/** Which agent file of this process defined what. */
import { extname, isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Defined, DefinitionError } from '../livekit/definition.ts';

/** Filled while modules are evaluated, which is before there is anything else to hold it. */
const definitions = new Map<string, Defined>();

/** One a file. @throws DefinitionError */
export function addDefinition(defined: Defined): void {
  const file = callerFile();
  if (definitions.has(file)) {
    throw new DefinitionError([
      `expected one defineSession in a file, got a second one in ${file}; move it into a file of its own`,
    ]);
  }
  definitions.set(file, defined);
}

/** What the agent file at `url` defined, or the one definition that there is; undefined when there is none. */
export const definedIn = (url: string): Defined | undefined => {
  const [only, ...more] = definitions.values();
  return definitions.get(pathOf(url)) ?? (more.length === 0 ? only : undefined);
};

/**
 * The file that called defineSession or runWorker, off the stack; empty when it cannot be told (then one a process is
 * the rule). Asked of V8 itself: a loader or `--enable-source-maps` writes other names into the text of a stack.
 */
export function callerFile(): string {
  const before: unknown = Reflect.get(Error, 'prepareStackTrace');
  try {
    Error.prepareStackTrace = (_, sites) => sites;
    const sites = new Error('who calls').stack as unknown as NodeJS.CallSite[];
    const files = sites.map((site) => pathOf(site.getFileName() ?? ''));
    const ours = ['./definitions', './define-session', '../worker/run-worker'].map((name) =>
      pathOf(new URL(`${name}${extname(import.meta.url)}`, import.meta.url).href),
    );
    return files.find((file) => isAbsolute(file) && !ours.includes(file)) ?? '';
  } finally {
    Reflect.set(Error, 'prepareStackTrace', before);
  }
}

const pathOf = (file: string): string => (file.startsWith('file:') ? fileURLToPath(file) : file);
