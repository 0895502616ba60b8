// A reseller's day: a domain, a mailbox, an alias, a DNS record; the helpdesk; and what another reseller sees of it: nothing.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

import { PASSWORD, dig, eventually, logIn, mansio, newAccount, newDomain, newOperator, newPage, newTenant, test, unique } from './harness.mjs';

/** Whether IMAP takes the password, by curl. */
export function imapTakes(address, password) {
    const done = spawnSync('curl', ['-sS', '--cacert', mansio.ca, '--user', `${address}:${password}`, `imaps://localhost:${mansio.imaps}/INBOX`]);
    return done.status === 0;
}

export async function addDomain(page, name) {
    await page.goto('/domains/new');
    await page.getByLabel('Domain name').fill(name);
    await page.getByRole('button', { name: 'Add the domain' }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
    return new URL(page.url()).pathname.match(/^\/domains\/(\d+)/)[1];
}

export async function addMailbox(page, domain, local, password) {
    await page.goto(`/domains/${domain}/mailboxes/new`);
    await page.getByRole('textbox', { name: 'Address' }).fill(local);
    await page.getByRole('radio', { name: 'Type one' }).check();
    await page.getByRole('textbox', { name: 'Password' }).fill(password);
    await page.getByRole('button', { name: 'Add the mailbox' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith('/new'));
}

export async function addAlias(page, domain, local, target) {
    await page.goto(`/domains/${domain}/aliases/new`);
    await page.getByRole('textbox', { name: 'Address' }).fill(local);
    await page.getByLabel('Delivers to').fill(target);
    await page.getByRole('button', { name: 'Save the alias' }).click();
    await page.getByRole('link', { name: `${local}@`, exact: false }).first().waitFor();
}

async function openZone(page, domain) {
    await page.goto(`/domains/${domain}`);
    await page.getByRole('navigation', { name: 'Parts of the domain' }).getByRole('link', { name: 'DNS' }).click();
    await page.getByRole('link', { name: 'New record' }).waitFor();
}

export async function addRecord(page, domain, name, type, value) {
    await openZone(page, domain);
    await page.getByRole('link', { name: 'New record' }).click();
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByLabel('Type').selectOption(type);
    await page.getByLabel('Value').fill(value);
    await page.getByRole('button', { name: 'Save the record' }).click();
}

test('a reseller creates a domain with a mailbox, an alias and a record, and the daemons know at once', async ({ page }) => {
    await logIn(page, newOperator('reseller', newTenant()));
    const name = `${unique('shop')}.example`;
    const domain = await addDomain(page, name);
    await addMailbox(page, domain, 'livia', PASSWORD);
    await eventually(() => imapTakes(`livia@${name}`, PASSWORD), 'the new mailbox at the IMAP server', 1000);
    await addAlias(page, domain, 'info', `livia@${name}`);
    if (mansio.dns && dig(name, 'SOA').length) {
        await addRecord(page, domain, 'www', 'A', '192.0.2.7');
        await eventually(() => dig(`www.${name}`, 'A').includes('192.0.2.7'), 'the record at the nameserver', 2000);
    }
    assert.deepEqual(page.problems, []);
});

test('a broken record is refused in the form with a sentence that says why', async ({ page }) => {
    await logIn(page, newOperator('reseller', newTenant()));
    const domain = await addDomain(page, `${unique('shop')}.example`);
    await addRecord(page, domain, 'www', 'A', '192.0.2.700');
    await page.locator('#value-problem').waitFor();
    assert.match(await page.locator('#value-problem').innerText(), /192\.0\.2\.700/);
    assert.equal(await page.getByLabel('Value').inputValue(), '192.0.2.700');
});

test('a domain that somebody has is refused, and nothing about its owner is told', async ({ page }) => {
    const name = newDomain(newTenant());
    await logIn(page, newOperator('reseller', newTenant()));
    await page.goto('/domains/new');
    await page.getByLabel('Domain name').fill(name);
    await page.getByRole('button', { name: 'Add the domain' }).click();
    await page.getByRole('alert').waitFor();
    assert.doesNotMatch(await page.locator('main').innerText(), /Tenant/);
});

test('the helpdesk resets a password, and the old one stops working', async ({ page }) => {
    const tenant = newTenant();
    const address = newAccount(newDomain(tenant), 'livia');
    assert.ok(imapTakes(address, PASSWORD));
    await logIn(page, newOperator('helpdesk', tenant));
    await page.goto('/mailboxes');
    await page.getByLabel('Search mailboxes').fill(address);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: address }).first().click();
    await page.getByRole('link', { name: /password/i }).first().click();
    await page.getByRole('radio', { name: 'Make one up' }).check();
    await page.getByRole('button', { name: 'Set the password' }).click();
    const password = (await page.locator('#secret').innerText()).trim();
    await eventually(() => imapTakes(address, password), 'the new password', 1000);
    assert.ok(!imapTakes(address, PASSWORD), 'the old password still works');
});

test('the helpdesk can change nothing but passwords', async ({ page }) => {
    const tenant = newTenant();
    newDomain(tenant);
    await logIn(page, newOperator('helpdesk', tenant));
    for (const path of ['/domains/new', '/operators', '/resellers'])
        assert.ok([403, 404].includes((await page.goto(path)).status()), path);
});

test('another reseller sees none of it, not by URL and not by search', async ({ page }) => {
    await logIn(page, newOperator('reseller', newTenant()));
    const name = `${unique('secret')}.example`;
    const domain = await addDomain(page, name);
    await addMailbox(page, domain, 'livia', PASSWORD);
    const paths = new Set();
    for (const start of [`/domains/${domain}`, `/domains/${domain}/mailboxes`, `/domains/${domain}/aliases`]) {
        await page.goto(start);
        for (const href of await page.locator('main a').evaluateAll((links) => links.map((a) => a.getAttribute('href'))))
            if (/^\/(domains|mailboxes|zones)\/\d/.test(href))
                paths.add(href);
    }
    assert.ok(paths.size > 4, `pages to try: ${[...paths]}`);

    const other = await newPage();
    await logIn(other, newOperator('reseller', newTenant()));
    await other.waitForURL((url) => !url.pathname.startsWith('/login'));
    for (const path of paths) {
        const reply = await other.goto(path);
        assert.equal(reply.status(), 404, path);
        assert.ok(!(await other.content()).includes(name), path);
    }
    for (const list of ['domains', 'mailboxes', 'zones', 'audit']) {
        const reply = await other.goto(`/${list}?q=${encodeURIComponent(name.split('.')[0])}`);
        if (reply.status() === 200) {
            const rows = await other.locator('main table').allInnerTexts();
            assert.ok(!rows.join().includes(name), list);
        }
    }
    await other.context().close();
});
