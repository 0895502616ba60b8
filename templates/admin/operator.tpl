{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/operators">Operators</a></li></ol></nav>
<header class="page-head"><h1>{{LOGIN_NAME}} {{#OFF}}<span class="badge bad">Switched off</span>{{/OFF}}{{#SELF}}<span class="badge info">You</span>{{/SELF}}</h1></header>
{{#PROBLEM}}<p class="notice bad" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
<form class="card" method="post" action="/operators/{{ID}}">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="stack">
<dl class="facts">
<dt>Role</dt><dd>{{ROLE}}</dd>
{{#TENANT}}<dt>Reseller</dt><dd><a href="/resellers/{{ID}}">{{NAME}}</a></dd>{{/TENANT}}
<dt>Here since</dt><dd><time datetime="{{CREATED_ISO}}">{{CREATED}}</time></dd>
</dl>
<div class="field">
<label for="name">Name of the person</label>
<input id="name" name="name" value="{{NAME}}" maxlength="200" autocomplete="off"{{#NAME_PROBLEM}} aria-invalid="true" aria-describedby="name-problem"{{/NAME_PROBLEM}}>
{{#NAME_PROBLEM}}<p class="problem" id="name-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/NAME_PROBLEM}}
</div>
</div>
<div class="form-foot"><button class="button primary">Save</button></div>
</form>
{{#GRANTS}}
<section class="card detail">
<div class="card-head"><div><h2>Domains</h2><p class="muted">What this operator administers.</p></div></div>
<table class="list">
<tbody>
{{#DOMAIN}}
<tr><td><a class="main-link" href="/domains/{{DOMAIN_ID}}">{{DOMAIN}}</a></td><td class="tight"><div class="row-actions"><form method="post" action="/operators/{{ID}}/domains/{{DOMAIN_ID}}/revoke"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="icon-button bad" title="Take away"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#trash"></use></svg><span class="hidden">Take {{DOMAIN}} away</span></button></form></div></td></tr>
{{/DOMAIN}}
{{#NONE}}<tr><td class="muted">None yet: this operator can log in and sees nothing.</td></tr>{{/NONE}}
</tbody>
</table>
<form class="card-body" method="post" action="/operators/{{ID}}/domains">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="field">
<label for="domain">Add a domain</label>
<div class="joined"><input id="domain" name="domain" required maxlength="253" placeholder="example.org" autocapitalize="none" spellcheck="false"{{#GRANT_PROBLEM}} aria-invalid="true" aria-describedby="grant-problem"{{/GRANT_PROBLEM}}><button class="button">Add</button></div>
{{#GRANT_PROBLEM}}<p class="problem" id="grant-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/GRANT_PROBLEM}}
</div>
</form>
</section>
{{/GRANTS}}
{{#SELF}}<p class="footnote">Your own password is changed in <a href="/profile">your profile</a>.</p>{{/SELF}}
{{#OTHER}}
<form class="card" method="post" action="/operators/{{ID}}/password">
<input type="hidden" name="csrf" value="{{CSRF}}">
<h2>New password</h2>
<div class="stack">
<fieldset>
<legend>Password</legend>
<div class="choice">
<label><input type="radio" name="how" value="made_up" checked><span><strong>Make one up</strong><small>It is shown once on the next page, to pass on.</small></span></label>
<label><input type="radio" name="how" value="typed"{{#PASSWORD_PROBLEM}} checked{{/PASSWORD_PROBLEM}}><span><strong>Type one</strong><small>At least 8 characters.</small></span></label>
</div>
</fieldset>
<div class="field" data-when="how=typed">
<label for="password">Password</label>
<div class="joined"><input id="password" name="password" type="password" maxlength="1000" autocomplete="new-password"{{#PASSWORD_PROBLEM}} aria-invalid="true" aria-describedby="password-problem"{{/PASSWORD_PROBLEM}}><button class="button" type="button" data-reveal="password" hidden>Show</button></div>
{{#PASSWORD_PROBLEM}}<p class="problem" id="password-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PASSWORD_PROBLEM}}
</div>
</div>
<div class="form-foot"><button class="button">Set the password</button></div>
</form>
<section class="card detail">
<div class="card-head">
{{#IS_ON}}<div><h2>Switch off</h2><p class="muted">The operator is logged out and can't log in until you switch the login on again.</p></div><form method="post" action="/operators/{{ID}}/disable"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button">Switch off</button></form>{{/IS_ON}}
{{#IS_OFF}}<div><h2>Switched off</h2><p class="muted">The operator can't log in.</p></div><form method="post" action="/operators/{{ID}}/enable"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button primary">Switch on again</button></form>{{/IS_OFF}}
</div>
</section>
<section class="card danger detail">
<div class="card-head"><div><h2>Delete the operator</h2><p class="muted">The audit log keeps what was done.</p></div><a class="button" href="/operators/{{ID}}/delete">Delete…</a></div>
</section>
{{/OTHER}}
