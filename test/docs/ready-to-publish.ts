/**
 * Before `npm publish`: the page of a registry shows the README alone, and leads its relative links to the repository
 * that package.json names. Without one each of them is dead there.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from './repository.ts';

type Published = { files: readonly string[]; repository?: string | { url?: string } };

/** Relative targets of links and pictures, without their anchors. */
export const linksOf = (markdown: string): string[] =>
  [...markdown.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));

/** Why the links of a README would lead nowhere, a line each. */
export const deadLinks = (readme: string, { files, repository }: Published): string[] => {
  const links = linksOf(readme);
  const isPacked = (link: string) => files.some((folder) => link === folder || link.startsWith(`${folder}/`));
  const url = typeof repository === 'string' ? repository : repository?.url;
  return [
    ...links.filter((link) => !isPacked(link)).map((link) => `README.md: ${link} is not in the package`),
    ...(url === undefined && links.length > 0
      ? [
          `package.json: repository: expected the address of the repository, got nothing; ${links.length} links of the README would be dead on the page of the registry`,
        ]
      : []),
  ];
};

const isProgram =
  process.argv[1] !== undefined && import.meta.url === pathToFileURL(path.resolve(process.argv[1])).href;
if (isProgram) {
  const read = (name: string) => readFileSync(path.join(repositoryRoot(), name), 'utf8');
  const problems = deadLinks(read('README.md'), JSON.parse(read('package.json')) as Published);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
