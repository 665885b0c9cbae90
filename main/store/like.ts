/**
 * LIKE patterns of texts taken as they are; to be used with `ESCAPE '\\'`. SQLite ignores the case of ASCII letters, and
 * looks through a text three times faster this way than with instr().
 */

/** Texts that contain `text`. */
export function containing(text: string): string {
  return `%${escape(text)}%`;
}

/** Texts that begin with `text`. */
export function beginningWith(text: string): string {
  return `${escape(text)}%`;
}

function escape(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
