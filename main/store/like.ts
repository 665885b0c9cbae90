/**
 * The LIKE pattern of texts that contain a text as it is; to be used with `ESCAPE '\\'`. SQLite ignores the case of ASCII
 * letters, and looks through a text three times faster this way than with instr().
 */
export function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}
