// From an empty reseller to a mail that was answered: administration, SMTP, webmail, DNS and helpdesk in one go.

import assert from 'node:assert/strict';

import { addAlias, addDomain, addMailbox, addRecord, imapTakes, openMail, resetPassword, sendLetter } from './acts.mjs';
import { PASSWORD, dig, eventually, logIn, newOperator, newPage, newTenant, sendMail, test, unique } from './harness.mjs';

test('mail to a new alias is read and answered in the webmail, the record is served, the helpdesk helps', async ({ page }) => {
    const tenant = newTenant();
    await logIn(page, newOperator('reseller', tenant));
    const name = `${unique('journey')}.example`;
    const domain = await addDomain(page, name);
    await addMailbox(page, domain, 'livia', PASSWORD);
    await addMailbox(page, domain, 'marcus', PASSWORD);
    await addAlias(page, domain, 'info', `livia@${name}`);
    await addRecord(page, domain, 'www', 'A', '192.0.2.7');
    await eventually(() => dig(`www.${name}`, 'A').includes('192.0.2.7'), 'the record at the nameserver', 2000);

    await eventually(() => {
        try {
            sendMail(`marcus@${name}`, `info@${name}`, 'A parcel for you', 'It is at the gate.\r\n');
            return true;
        } catch {
            return false; // the MTA learns of a new alias within a second
        }
    }, 'the alias at the MTA', 1000);

    const livia = await newPage();
    await logIn(livia, `livia@${name}`);
    await openMail(livia, 'A parcel for you');
    await livia.getByText('It is at the gate.').waitFor();
    await livia.getByRole('link', { name: 'Reply', exact: true }).first().click();
    assert.equal(await livia.getByLabel('To', { exact: true }).inputValue(), `marcus@${name}`);
    await sendLetter(livia, { text: 'I shall fetch it.' });

    const marcus = await newPage();
    await logIn(marcus, `marcus@${name}`);
    await openMail(marcus, 'Re: A parcel for you');
    await marcus.getByText('I shall fetch it.').waitFor();

    await livia.getByRole('navigation', { name: 'Folders' }).getByRole('link', { name: /Sent/ }).click();
    await livia.getByText('Re: A parcel for you').first().waitFor();

    const helpdesk = await newPage();
    await logIn(helpdesk, newOperator('helpdesk', tenant));
    const password = await resetPassword(helpdesk, `livia@${name}`);
    await eventually(() => imapTakes(`livia@${name}`, password), 'the new password at the IMAP server', 1000);
    assert.ok(!imapTakes(`livia@${name}`, PASSWORD), 'the old password still works');
    await livia.goto('/mail/');
    await livia.getByRole('button', { name: 'Log in' }).waitFor(); // the session ended with the password
    await logIn(livia, `livia@${name}`, PASSWORD);
    await livia.getByRole('alert').waitFor();
    await logIn(livia, `livia@${name}`, password);
    await livia.getByText('A parcel for you').first().waitFor();

    const other = await newPage();
    await logIn(other, newOperator('reseller', newTenant()));
    await other.waitForURL((url) => !url.pathname.startsWith('/login'));
    assert.equal((await other.goto(`/domains/${domain}`)).status(), 404);
    await other.goto(`/domains?q=${name.split('.')[0]}`);
    assert.equal(await other.getByRole('link', { name }).count(), 0);

    for (const one of [page, livia, marcus, helpdesk])
        assert.deepEqual(one.problems.filter((text) => !/422/.test(text)), []); // a refused login is a 422
});
