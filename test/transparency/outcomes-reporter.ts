/** What became of each test, as JSON in the file that `LASTWORD_OUTCOMES` names. */
import { writeFileSync } from 'node:fs';
import type { Reporter } from 'vitest/node';
import type { Outcome } from './sdk-tests.ts';

export default class OutcomesReporter implements Reporter {
  onTestRunEnd: NonNullable<Reporter['onTestRunEnd']> = (modules, unhandled) => {
    const outcomes = modules.flatMap((module): Outcome[] => {
      const where = { setting: module.project.name as Outcome['setting'], file: fileOf(module.moduleId) };
      // A file that cannot be read has no tests, and has to be missed all the same.
      const ofFile = module.errors().map(({ message }) => ({ ...where, test: '', isPassed: false, why: message }));
      const ofTests = [...module.children.allTests()].map((test) => {
        const { state, errors } = test.result();
        const why = (errors ?? []).map(({ message }) => message).join('\n');
        return { ...where, test: test.fullName, isPassed: state === 'passed', why };
      });
      return [...ofFile, ...ofTests];
    });
    const stray = unhandled.map(({ message, stack }) => ({ message, stack: stack ?? '' }));
    writeFileSync(process.env['LASTWORD_OUTCOMES'] ?? 'outcomes.json', JSON.stringify({ outcomes, stray }));
  };
}

const fileOf = (path: string): string => path.replace(/^.*\/dist\/voice\//, '');
