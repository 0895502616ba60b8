// What people do on the pages, for tests in which it is one step of many.

import { spawnSync } from 'node:child_process';

import { eventually, mansio } from './harness.mjs';

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

/** The helpdesk's or an administrator's page that makes a new password up; gives it back. */
export async function resetPassword(page, address) {
    await page.goto('/mailboxes');
    await page.getByLabel('Search mailboxes').fill(address);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: address }).first().click();
    await page.getByRole('link', { name: /password/i }).first().click();
    await page.getByRole('radio', { name: 'Make one up' }).check();
    await page.getByRole('button', { name: 'Set the password' }).click();
    return (await page.locator('#secret').innerText()).trim();
}

/** Opens the message with this subject in the inbox, once it is there. */
export async function openMail(page, subject) {
    await eventually(async () => {
        await page.goto('/mail/');
        return page.getByRole('link', { name: subject }).count();
    }, `"${subject}" in the inbox`);
    await page.getByRole('link', { name: subject }).first().click();
    await page.getByRole('heading', { level: 1, name: subject }).waitFor();
}

/** Fills in the form for writing, which is open, and sends it. */
export async function sendLetter(page, { to, subject, text }) {
    if (to)
        await page.getByLabel('To', { exact: true }).fill(to);
    if (subject)
        await page.getByLabel('Subject').fill(subject);
    const field = page.getByLabel('Text', { exact: true });
    await field.fill(`${text}\n${await field.inputValue()}`);
    await page.getByRole('button', { name: 'Send' }).first().click();
    await page.getByRole('status').waitFor();
}
