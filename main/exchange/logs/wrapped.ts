/** Lists that Python wraps over several lines. */

/** No list takes more lines. */
const MAX_LINES = 2_000;

/**
 * The text that begins on a line, up to the line that holds `end`; the lines after the first must match `continuation`.
 * Null when its end is missing.
 */
export function readWrapped(
  lines: readonly string[],
  start: number,
  { continuation, end }: { continuation: RegExp; end: string },
): { text: string; lastLine: number } | null {
  let text = '';
  for (let index = start; index < Math.min(lines.length, start + MAX_LINES); index++) {
    const line = lines[index]!;
    if (index > start && !continuation.test(line)) return null;
    text += line;
    if (line.includes(end)) return { text, lastLine: index };
  }
  return null;
}
