/**
 * Reads design tokens for canvases, which can't use CSS variables, and follows a change of theme while it is open.
 * Reading a token inside `$derived` or an effect makes it run again after `data-theme` of the document changed.
 */
let version = $state(0);
let cache = new Map<string, string>();
let isObserving = false;

/** Forgets what was read when the theme attribute changes. One observer for the life of the page. */
function observe(): void {
  if (isObserving) return;
  isObserving = true;
  new MutationObserver(() => {
    cache = new Map();
    version++;
  }).observe(document.documentElement, {
    attributes: true,
    attributeFilter: ['data-theme', 'class', 'style'],
  });
}

/** The value of a token, by its name without dashes in front: `token('series-1')` → `#2a5bd0`. */
export function token(name: string): string {
  observe();
  void version;
  let value = cache.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    cache.set(name, value);
  }
  return value;
}

/** A token's colour with an opacity from 0 to 1. Tokens of marks are `#rrggbb`; another notation is returned as it is. */
export function tokenWithOpacity(name: string, opacity: number): string {
  const value = token(name);
  if (!/^#[0-9a-f]{6}$/i.test(value)) return value;
  return (
    value +
    Math.round(opacity * 255)
      .toString(16)
      .padStart(2, '0')
  );
}
