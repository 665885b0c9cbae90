/**
 * The page that is shown, kept in the location's hash so that back, forward, reload and a link work in both shells.
 * Read `router.route`; go somewhere with `navigate`, or with an `<a href={formatRoute(…)}>`.
 */
import { formatRoute, parseRoute, type Route } from './routes.ts';

export { formatRoute, RUN_TABS, type Route, type RunTab, type PageName } from './routes.ts';

class Router {
  route: Route = $state.raw(parseRoute(location.hash) ?? { page: 'runs' });

  constructor() {
    addEventListener('hashchange', () => this.#read());
  }

  #read(): void {
    const route = parseRoute(location.hash);
    if (route === null) navigate({ page: 'runs' }, { replace: true });
    else if (formatRoute(route) !== formatRoute(this.route)) this.route = route;
  }
}

export const router = new Router();

/** Goes to a page. `replace` leaves no step in the history: for tabs and selections that Back should skip. */
export function navigate(to: Route, options: { replace?: boolean } = {}): void {
  const hash = formatRoute(to);
  if (options.replace) {
    history.replaceState(null, '', hash);
    router.route = to;
  } else {
    // Set at once: until the event comes, the page that is left could still replace the address with one of its own.
    location.hash = hash;
    router.route = to;
  }
}
