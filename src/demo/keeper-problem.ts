/** What a keeper could not start for, on its way from its process to whoever prints it: an error keeps its class. Pure. */
import { ConfigError } from '../errors/config-error.ts';
import { messageOf, stackOf } from '../errors/thrown.ts';
import { StoreError, type StoreErrorCode } from '../store/store.ts';

export type KeeperProblem = {
  name: string;
  message: string;
  code?: string;
  field?: string;
  path?: string;
  stack?: string;
};

const textIn = (error: object, name: string): string | undefined => {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
};

export function problemIn(thrown: unknown): KeeperProblem {
  const error = thrown instanceof Error ? thrown : new Error(messageOf(thrown));
  const stack = stackOf(error);
  const [code, field, path] = ['code', 'field', 'path'].map((name) => textIn(error, name));
  return {
    name: error.name,
    message: error.message,
    ...(code !== undefined && { code }),
    ...(field !== undefined && { field }),
    ...(path !== undefined && { path }),
    ...(stack !== undefined && { stack }),
  };
}

/** The class says what to do about it, and what begins its message is put in front of it by the class. */
export function errorOf({ name, message, code, field, ...more }: KeeperProblem): Error {
  const behind = (start: string | undefined) => message.slice(start === undefined ? 0 : start.length + ': '.length);
  if (name === 'ConfigError' && field !== undefined) return new ConfigError({ field, message: behind(field) });
  if (name === 'StoreError' && code !== undefined)
    return new StoreError({ code: code as StoreErrorCode, message: behind(code) });
  return Object.assign(new Error(message), { name, ...(code !== undefined && { code }), ...more });
}
