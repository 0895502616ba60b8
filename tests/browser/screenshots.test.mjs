// Every page of the demonstration at the size of a desk and of a pocket, light and dark: nothing sticks out, nothing complains.
// The pictures go to build/test-logs/screenshots; `make screenshots` puts those that the README shows into docs/screenshots.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { logIn, mansio, newPage, test, top } from './harness.mjs';

const folder = path.join(top, 'build/test-logs/screenshots');
const SIZES = [{ width: 1440, height: 900 }, { width: 390, height: 844 }];
const SCHEMES = ['light', 'dark'];

const person = (role) => mansio.accounts.find((account) => account.role === role);

/** The path of the first link in the page that matches. */
async function linkOf(page, start, pattern) {
    await page.goto(start);
    const hrefs = await page.locator('main a').evaluateAll((links) => links.map((a) => a.getAttribute('href') || ''));
    const found = hrefs.find((href) => pattern.test(href));
    assert.ok(found, `no link like ${pattern} in ${start}: ${hrefs}`);
    return found;
}

async function shoot(page, name, size) {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(wide <= 0, `${name} sticks out by ${wide} pixels at ${size.width}`);
    await page.screenshot({ path: path.join(folder, `${name}.png`), animations: 'disabled' });
}

/** Logs in once for each size and scheme, and takes the pictures. pages: [name, path or function of page]. */
function pictures(title, role, pages, schemes = SCHEMES) {
    for (const size of SIZES)
        for (const colorScheme of schemes)
            test(`${title} at ${size.width} pixels, ${colorScheme}`, async ({ t }) => {
                const who = person(role);
                if (role && !who) {
                    t.skip('the demonstration is not there');
                    return;
                }
                fs.mkdirSync(folder, { recursive: true });
                const page = await newPage({ viewport: size, colorScheme, locale: 'en-GB', timezoneId: 'UTC' });
                if (role) {
                    await logIn(page, who.login, who.password);
                    await page.waitForURL((url) => !url.pathname.startsWith('/login'));
                }
                for (const [name, where] of pages) {
                    await page.goto(typeof where === 'string' ? where : await where(page));
                    await page.waitForLoadState('networkidle'); // the frame with a mail's HTML comes after the page
                    await shoot(page, `${name}-${size.width}-${colorScheme}`, size);
                }
                assert.deepEqual(page.problems, []);
                await page.context().close();
            });
}

pictures('the login page', null, [['login', '/login']]);

pictures("a reseller's pages", 'reseller', [
    ['overview', '/'],
    ['domains', '/domains'],
    ['domain', (page) => linkOf(page, '/domains', /^\/domains\/\d+$/)],
    ['aliases', async (page) => `${await linkOf(page, '/domains', /^\/domains\/\d+$/)}/aliases`],
    ['senders', async (page) => `${await linkOf(page, '/domains', /^\/domains\/\d+$/)}/senders`],
    ['mailboxes', '/mailboxes'],
    ['trace', '/trace'],
    ['trace-message', (page) => linkOf(page, '/trace', /^\/trace\/[0-9A-Z]+$/)],
    ['mailbox', (page) => linkOf(page, '/mailboxes', /^\/mailboxes\/\d+$/)],
    ['zone', async (page) => linkOf(page, await linkOf(page, '/domains', /^\/domains\/\d+$/), /^\/zones\/\d+$/)],
    ['record', async (page) => `${await linkOf(page, await linkOf(page, '/domains', /^\/domains\/\d+$/), /^\/zones\/\d+$/)}/records/new`],
]);

// What is made of the same pieces needs no second scheme.
pictures("a reseller's lists and forms", 'reseller', [
    ['logins', async (page) => `${await linkOf(page, '/mailboxes', /^\/mailboxes\/\d+$/)}/logins`],
    ['removed-mail', async (page) => `${await linkOf(page, '/mailboxes', /^\/mailboxes\/\d+$/)}/removed`],
    ['removed-mailboxes', '/mailboxes/removed'],
    ['retention', '/retention'],
    ['limits', '/limits'],
    ['access', '/access'],
    ['bans', '/bans'],
], ['light']);

pictures("the provider's pages", 'provider', [
    ['provider-overview', '/'],
    ['provider-domains', '/domains'],
    ['settings', '/settings'],
    ['rules', '/rules'],
    ['filters', '/filters'],
    ['filter-new', '/filters/new'],
]);

pictures("the helpdesk's pages", 'helpdesk', [
    ['helpdesk-mailboxes', '/mailboxes'],
    ['helpdesk-password', async (page) => `${await linkOf(page, '/mailboxes', /^\/mailboxes\/\d+$/)}/password`],
]);

pictures('the webmail', 'user', [
    ['mail', '/mail/'],
    ['message', async (page) => {
        await page.goto('/mail/');
        return page.getByRole('link', { name: 'Opening hours' }).first().getAttribute('href');
    }],
    ['compose', '/mail/write'],
    ['folders', '/mail/folders'],
]);

pictures("a user's own settings", 'user', [
    ['profile', '/profile'],
    ['apps', '/profile/apps'],
    ['sharing', '/profile/sharing'],
], ['light']);
