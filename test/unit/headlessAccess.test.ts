/** Who may speak to the headless server, header by header. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Access } from '../../main/headless/access.ts';

const HOST = '127.0.0.1:4321';
const OWN = { host: HOST, origin: `http://${HOST}` };

/** An access with one signed-in page; `cookie` is what its browser sends. */
function signedIn(): { access: Access; cookie: string } {
  const access = new Access('abc');
  const setCookie = access.exchange(access.mintToken());
  assert.ok(setCookie !== null);
  return { access, cookie: setCookie.split(';')[0]! };
}

test('a token works once, and gives a cookie that scripts and other sites never see', () => {
  const access = new Access('abc');
  const token = access.mintToken();
  const cookie = access.exchange(token);
  assert.match(cookie ?? '', /^reslt-abc=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/);
  assert.equal(access.exchange(token), null, 'used');
  assert.equal(access.exchange(''), null);
  assert.equal(access.exchange(`${token}x`), null);
});

test('addresses that were printed earlier stay good until they are used, a limited number of them', () => {
  const access = new Access('abc');
  const tokens = Array.from({ length: 20 }, () => access.mintToken());
  assert.equal(access.exchange(tokens[0]!), null, 'pushed out by the newer ones');
  assert.notEqual(access.exchange(tokens[10]!), null);
  assert.notEqual(access.exchange(tokens[19]!), null);
});

test('the host must be this machine, on any port', () => {
  const { access, cookie } = signedIn();
  for (const host of [
    'localhost:1',
    'localhost',
    '127.0.0.1:9',
    '127.1.2.3:80',
    '[::1]:5',
    'studio.localhost:5',
    'LOCALHOST:7',
  ])
    assert.equal(access.refuseGet({ host, cookie }), null, host);
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.168.1.2:80',
    '10.0.0.1',
    '0.0.0.0',
    'evil@localhost.evil',
    '',
    undefined,
  ])
    assert.equal(access.refuseGet({ host, cookie })?.status, 403, String(host));
});

test('a POST must come from the page that the server itself gave out', () => {
  const { access, cookie } = signedIn();
  assert.equal(access.refusePost({ ...OWN, cookie }), null);
  // Through an SSH tunnel the port is another, the same in both headers.
  assert.equal(access.refusePost({ host: 'localhost:9999', origin: 'http://localhost:9999', cookie }), null);
  for (const origin of [
    undefined,
    'null',
    'http://evil.example',
    'http://127.0.0.1:4322',
    'http://localhost:4321',
    'https://127.0.0.1:4321',
    'http://127.0.0.1:4321.evil.example',
    'file://',
  ])
    assert.equal(access.refusePost({ host: HOST, origin, cookie })?.status, 403, String(origin));
});

test('requests that another page makes the browser send are refused', () => {
  const { access, cookie } = signedIn();
  const from = (site: string | undefined) =>
    access.refuseGet({ host: HOST, cookie, ...(site === undefined ? {} : { 'sec-fetch-site': site }) });
  assert.equal(from('same-origin'), null);
  assert.equal(from('none'), null, 'typed by hand');
  assert.equal(from(undefined), null, 'no browser');
  // Another port of the same host is the same site, and another origin.
  assert.equal(from('same-site')?.status, 403);
  assert.equal(from('cross-site')?.status, 403);
});

test('without the right cookie nothing is answered', () => {
  const { access, cookie } = signedIn();
  const value = cookie.split('=')[1]!;
  for (const wrong of [
    undefined,
    '',
    'reslt-abc=',
    `reslt-abc=${value.slice(1)}`,
    `reslt-abc=${'A'.repeat(value.length)}`,
    `reslt-abd=${value}`,
    `x=reslt-abc=${value}`,
  ]) {
    assert.equal(access.refuseGet({ host: HOST, cookie: wrong })?.status, 401, String(wrong));
    assert.equal(access.refusePost({ ...OWN, cookie: wrong })?.status, 401, String(wrong));
  }
  assert.equal(access.refuseGet({ host: HOST, cookie: `theme=dark; ${cookie}; x=y` }), null, 'among others');
});

test('the cookie of one library does not open another on the same host', () => {
  const { cookie } = signedIn();
  const other = new Access('other');
  assert.equal(other.refuseGet({ host: HOST, cookie })?.status, 401);
});
