import assert from 'node:assert/strict';

import { PASSWORD, logIn, newOperator, newTenant, test } from './harness.mjs';

test('a reseller logs in with the right password only', async ({ page }) => {
    const login = newOperator('reseller', newTenant());
    await logIn(page, login, 'wrong');
    await page.getByRole('alert').waitFor();
    assert.match(page.url(), /\/login/);
    await logIn(page, login, PASSWORD);
    await page.waitForURL((url) => !url.pathname.startsWith('/login'));
});

test('the login page asks the world for nothing and breaks no policy of its own', async ({ page }) => {
    const elsewhere = [];
    page.on('request', (request) => request.url().startsWith('https://localhost') || elsewhere.push(request.url()));
    await page.goto('/login');
    assert.deepEqual(elsewhere, []);
    assert.deepEqual(page.problems, []);
});
