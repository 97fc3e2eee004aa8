/** What the environment says, with a `.env` file read first: what is set already wins over the file. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError } from '../errors/config-error.ts';
import { messageOf } from '../errors/thrown.ts';
import { type PaceName, paces } from '../testing/lab/pace.ts';

export type Settings = {
  /** LASTWORD_DIR, absolute. Default `./.lastword`. */
  directory: string;
  /** LASTWORD_STORE. Default: `lastword.db` in the directory. */
  store: string;
};

/** *Effect.* Reads `./.env` into the environment, if there is one. @throws ConfigError when it cannot be read */
export function readEnvironmentFile(path = '.env'): void {
  if (!existsSync(path)) return;
  try {
    process.loadEnvFile(path);
  } catch (error) {
    throw new ConfigError({
      field: resolve(path),
      expected: 'a file of NAME=value lines that can be read',
      got: messageOf(error),
      advice: 'correct it, or remove it',
      cause: error,
    });
  }
}

/**
 * *Pure.* LASTWORD_PACE: how long the models of a call in the terminal take. Default `typical`, as people's do.
 * @throws ConfigError
 */
export function paceOf(env: Readonly<Record<string, string | undefined>>): PaceName {
  const given = env['LASTWORD_PACE'] || 'typical';
  const pace = paces.find((name) => name === given);
  if (pace) return pace;
  throw new ConfigError({
    field: 'LASTWORD_PACE',
    expected: `one of ${paces.join(', ')}`,
    got: `"${given}"`,
    advice: 'leave it out for `typical`',
  });
}

/** *Pure.* */
export function settings(env: Readonly<Record<string, string | undefined>> = process.env): Settings {
  const directory = resolve(env['LASTWORD_DIR'] || '.lastword');
  return { directory, store: env['LASTWORD_STORE'] || `sqlite:${join(directory, 'lastword.db')}` };
}
