/** What a command of the command line is, and what it has at hand. */
import type { ParseArgsConfig } from 'node:util';
import type { Paint } from '../show/paint.ts';
import type { Settings } from './settings.ts';

export type Given = {
  positionals: string[];
  /** By option; `json` and `help` are taken out. */
  values: Readonly<Record<string, string | boolean | undefined>>;
  isJson: boolean;
};

export type CommandContext = {
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly paint: Paint;
  /** A line, or several, on standard output. */
  print: (text: string) => void;
};

export type Command = {
  name: string;
  /** Behind the name: `ID…`. */
  usage: string;
  /** One line. */
  summary: string;
  /** What else there is to know. */
  details: string;
  options: NonNullable<ParseArgsConfig['options']>;
  /** Options that are not ours go to the agent file. */
  passesOn?: boolean;
  /** @returns the exit code. @throws what `problemOf` knows */
  run(given: Given, context: CommandContext): Promise<number>;
};
