/**
 * What is said by default, by language. The recordings in the package say the words of `apology` and `filler`; how they
 * were made is in src/sound/assets/README.md.
 */
import type { Language } from '../sound/bundled.ts';

type Phrases = { apology: string; filler: string; nudge: string; again: string; windDown: string; resumed: string };

export const phrases = {
  en: {
    apology: 'Sorry, something went wrong. Please try again later.',
    filler: 'One moment, please.',
    nudge: 'Are you still there?',
    again: 'Sorry, I did not catch that.',
    windDown: 'We have to come to an end soon.',
    resumed: 'Sorry, I lost you for a moment.',
  },
  de: {
    apology: 'Entschuldigung, etwas ist schiefgegangen. Bitte versuchen Sie es später noch einmal.',
    filler: 'Einen Moment, bitte.',
    nudge: 'Sind Sie noch da?',
    again: 'Entschuldigung, das habe ich nicht verstanden.',
    windDown: 'Wir müssen gleich zum Ende kommen.',
    resumed: 'Entschuldigung, die Verbindung war kurz unterbrochen.',
  },
  es: {
    apology: 'Lo siento, algo ha fallado. Por favor, inténtelo más tarde.',
    filler: 'Un momento, por favor.',
    nudge: '¿Sigue usted ahí?',
    again: 'Perdone, no le he entendido.',
    windDown: 'Tenemos que terminar pronto.',
    resumed: 'Perdone, le he perdido un momento.',
  },
  fr: {
    apology: 'Désolé, un problème est survenu. Veuillez réessayer plus tard.',
    filler: 'Un instant, s’il vous plaît.',
    nudge: 'Vous êtes toujours là ?',
    again: 'Pardon, je n’ai pas compris.',
    windDown: 'Nous devons bientôt terminer.',
    resumed: 'Pardon, je vous ai perdu un instant.',
  },
} as const satisfies Record<Language, Phrases>;
