// A reseller's day: a domain, a mailbox, an alias, a DNS record; the helpdesk; and what another reseller sees of it: nothing.

import assert from 'node:assert/strict';

import { addAlias, addDomain, addMailbox, addRecord, imapTakes, resetPassword } from './acts.mjs';
import { PASSWORD, dig, eventually, logIn, newAccount, newDomain, newOperator, newPage, newTenant, test, unique } from './harness.mjs';

test('a reseller creates a domain with a mailbox, an alias and a record, and the daemons know at once', async ({ page }) => {
    await logIn(page, newOperator('reseller', newTenant()));
    const name = `${unique('shop')}.example`;
    const domain = await addDomain(page, name);
    await addMailbox(page, domain, 'livia', PASSWORD);
    await eventually(() => imapTakes(`livia@${name}`, PASSWORD), 'the new mailbox at the IMAP server', 1000);
    await addAlias(page, domain, 'info', `livia@${name}`);
    await addRecord(page, domain, 'www', 'A', '192.0.2.7');
    await eventually(() => dig(`www.${name}`, 'A').includes('192.0.2.7'), 'the record at the nameserver', 2000);
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
    const password = await resetPassword(page, address);
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
