/**
 * Addresses of the pages, as the part behind `#` in the location. Pure, so that they can be tested; router.svelte.ts
 * keeps the present one. An unknown address parses as `null`, and the window then goes to the runs.
 */

export const RUN_TABS = ['overview', 'charts', 'log', 'config', 'checkpoints', 'classes'] as const;
export type RunTab = (typeof RUN_TABS)[number];

export type Route =
  | { page: 'runs' }
  | { page: 'run'; id: number; tab: RunTab }
  | { page: 'compare'; refs: string[] }
  | { page: 'datasets'; id: number | null }
  | { page: 'settings'; section: string | null };

export type PageName = Route['page'];

const isTab = (text: string): text is RunTab => (RUN_TABS as readonly string[]).includes(text);

function parseId(text: string | undefined): number | null {
  return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : null;
}

/** `#/runs/12/log` → {page: 'run', id: 12, tab: 'log'}; null for what is no address of ours. */
export function parseRoute(hash: string): Route | null {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?');
  const [page, second, third, ...rest] = path.split('/').filter((part) => part !== '');
  if (rest.length > 0) return null;
  if (page === undefined) return { page: 'runs' };
  if (page === 'runs') {
    if (second === undefined) return { page: 'runs' };
    const id = parseId(second);
    if (id === null) return null;
    if (third === undefined) return { page: 'run', id, tab: 'overview' };
    return isTab(third) ? { page: 'run', id, tab: third } : null;
  }
  if (third !== undefined) return null;
  if (page === 'compare' && second === undefined) {
    const refs = new URLSearchParams(query).get('refs') ?? '';
    return { page: 'compare', refs: refs.split(',').filter((ref) => ref !== '') };
  }
  if (page === 'datasets') {
    if (second === undefined) return { page: 'datasets', id: null };
    const id = parseId(second);
    return id === null ? null : { page: 'datasets', id };
  }
  if (page === 'settings') return { page: 'settings', section: second ?? null };
  return null;
}

/** The inverse of `parseRoute`: `#/compare?refs=12@best,13@last`. */
export function formatRoute(route: Route): string {
  switch (route.page) {
    case 'runs':
      return '#/runs';
    case 'run':
      return `#/runs/${route.id}${route.tab === 'overview' ? '' : `/${route.tab}`}`;
    case 'compare':
      // A reference holds only digits, letters, @ and -, so nothing needs escaping.
      return `#/compare${route.refs.length === 0 ? '' : `?refs=${route.refs.join(',')}`}`;
    case 'datasets':
      return `#/datasets${route.id === null ? '' : `/${route.id}`}`;
    case 'settings':
      return `#/settings${route.section === null ? '' : `/${route.section}`}`;
  }
}
