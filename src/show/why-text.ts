/** Why a call ended, for a terminal: the sentence, then each word with the entry that proves it. Pure. */
import type { Why } from '../reads/answers.ts';
import { oneLine, type Paint } from './paint.ts';

export function whyText({ sentence, words }: Why, paint: Paint): string {
  const width = Math.max(0, ...words.map(({ word }) => word.length));
  const lines = words.map(({ word, text, tone, proof }) => {
    const proved = proof === null ? '' : `  ${paint('quiet', proof)}`;
    return `${paint('quiet', oneLine(word).padEnd(width))}  ${paint(tone, oneLine(text))}${proved}`;
  });
  return [paint('strong', oneLine(sentence)), ...(lines.length > 0 ? ['', ...lines] : [])].join('\n');
}
