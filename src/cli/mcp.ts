import { ConfigError } from '../errors/config-error.ts';
import { version } from '../job/version.ts';
import { Source } from '../reads/source.ts';
import { none } from './arguments.ts';
import type { Command } from './command.ts';
import { exitCodes } from './problems.ts';

const PACKAGE = '@modelcontextprotocol/sdk';

export const mcp: Command = {
  name: 'mcp',
  usage: '',
  summary: 'Answers an assistant’s questions about calls, over the Model Context Protocol.',
  details: `On standard input and output, for a client that starts it: list_calls, why_did_it_end, entries, entry, state_at, lanes,
diff, deliveries, ledger, model_saw, make_test. It reads LASTWORD_DIR and changes nothing. Needs ${PACKAGE}.

--texts   also what callers, models and tools said, marked as untrusted; without it they are withheld`,
  options: { texts: { type: 'boolean' } },
  async run(given, { settings }) {
    none(given, 'mcp');
    const { serveMcp } = await serving();
    const source = new Source(settings);
    try {
      await serveMcp({ source, version, withTexts: given.values['texts'] === true });
    } finally {
      source.close();
    }
    return exitCodes.ok;
  },
};

/** Of many megabytes, for those who want it. */
async function serving(): Promise<typeof import('../inspector/mcp.ts')> {
  try {
    return await import('../inspector/mcp.ts');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(PACKAGE)) throw error;
    throw new ConfigError({
      field: 'mcp',
      expected: `the package ${PACKAGE}`,
      got: 'none beside lastword',
      advice: `npm install ${PACKAGE}`,
      cause: error,
    });
  }
}
