import { fileURLToPath } from 'node:url';
import type { Language } from '../sound/bundled.ts';
import type { Defined } from './definition.ts';

/** *Pure.* What the keeper plays when no agent is left to speak, or none came. Without `apology`: no words are wanted. */
export const apologyOf = ({
  onCrash,
  language,
  apology,
}: Pick<Defined, 'onCrash' | 'language' | 'apology'>): { apology?: { language: Language; file?: string } } =>
  onCrash?.apologize === false
    ? {}
    : { apology: { language, ...(apology?.audio && { file: fileURLToPath(apology.audio) }) } };
