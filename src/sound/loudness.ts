/**
 * Can this be heard? A voice that fails may send zeros, or faint noise, and every counter says that it played.
 *
 * Of 32,768, about -44 dBFS. What codecs, dither and the noise floor of a synthesised voice leave in a pause is below
 * 35 (-60 dBFS); the weakest vowel of speech at an ordinary level is above 1,000 (-30 dBFS). Between the two.
 */
const LOUD = 200;

/** Pure. True for a stretch in which one sample is loud: it stops looking there. */
export const isLoud = (samples: Int16Array): boolean => samples.some((sample) => sample > LOUD || sample < -LOUD);
