/** Matching of typed words, as the palette and the pickers do it: every word must occur, in any order. Pure. */

const wordsOf = (typed: string): string[] =>
  typed
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');

/** Whether every typed word occurs in the text, ignoring case. Nothing typed matches everything. */
export function matchesWords(text: string, typed: string): boolean {
  const hay = text.toLowerCase();
  return wordsOf(typed).every((word) => hay.includes(word));
}

/** The text in parts, those that a typed word matches marked. Joined, the parts are the text again. */
export function markWords(text: string, typed: string): { text: string; isMatch: boolean }[] {
  const hay = text.toLowerCase();
  // Lower case may change the length of a text ("İ"); marks would then be off, so there are none.
  if (hay.length !== text.length) return [{ text, isMatch: false }];
  const marked = new Array<boolean>(text.length).fill(false);
  for (const word of wordsOf(typed)) {
    for (let at = hay.indexOf(word); at >= 0; at = hay.indexOf(word, at + word.length)) {
      marked.fill(true, at, at + word.length);
    }
  }
  const parts: { text: string; isMatch: boolean }[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const isMatch = marked[index] ?? false;
    const last = parts.at(-1);
    if (last && last.isMatch === isMatch) last.text += text[index];
    else parts.push({ text: text[index] ?? '', isMatch });
  }
  return parts;
}
