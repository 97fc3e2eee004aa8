import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { commands, help, helpFor } from '../../src/cli/command-line.ts';
import { exitCodes } from '../../src/cli/problems.ts';
import { HELP } from '../../src/demo/typed.ts';

const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');

it('docs/cli.md holds the help of the command line, of every command, and of the terminal, word for word', () => {
  for (const text of [help(), ...commands.map(helpFor), HELP]) expect(page).toContain(`\`\`\`text\n${text}\n\`\`\``);
});

it('docs/cli.md has a row for every exit code', () => {
  for (const code of Object.values(exitCodes)) expect(page).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
});
