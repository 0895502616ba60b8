{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/operators">Operators</a></li></ol></nav>
<header class="page-head"><h1>New operator</h1></header>
{{#PROBLEM}}<p class="notice bad" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
<form class="card" method="post" action="/operators/new">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="stack">
<div class="form-grid">
<div class="field">
<label for="login">Login</label>
<input id="login" name="login" value="{{LOGIN_NAME}}" required maxlength="254" autocapitalize="none" autocomplete="off" spellcheck="false" autofocus>
</div>
<div class="field">
<label for="name">Name of the person</label>
<input id="name" name="name" value="{{NAME}}" maxlength="200" autocomplete="off">
</div>
</div>
<fieldset>
<legend>Role</legend>
<div class="choice">
{{#ROLE}}<label><input type="radio" name="role" value="{{VALUE}}"{{#CHOSEN}} checked{{/CHOSEN}}><span><strong>{{LABEL}}</strong><small>{{#FOR_PROVIDER}}Everything, of all resellers.{{/FOR_PROVIDER}}{{#FOR_RESELLER}}Everything of one reseller: domains, mailboxes, DNS, operators.{{/FOR_RESELLER}}{{#FOR_DOMAIN}}Mailboxes, aliases and DNS of chosen domains.{{/FOR_DOMAIN}}{{#FOR_HELPDESK}}Looks up mailboxes and sets passwords.{{/FOR_HELPDESK}}</small></span></label>
{{/ROLE}}
</div>
</fieldset>
{{#IS_PROVIDER}}
<div class="field" data-when="role=reseller domain helpdesk">
<label for="reseller">Reseller</label>
<select id="reseller" name="reseller"{{#TENANT_PROBLEM}} aria-invalid="true" aria-describedby="reseller-problem"{{/TENANT_PROBLEM}}><option value="">Choose…</option>{{#CHOICE}}<option value="{{ID}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{NAME}}</option>{{/CHOICE}}</select>
{{#TENANT_PROBLEM}}<p class="problem" id="reseller-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/TENANT_PROBLEM}}
</div>
{{/IS_PROVIDER}}
<fieldset>
<legend>Password</legend>
<div class="choice">
<label><input type="radio" name="how" value="made_up"{{#MADE_UP}} checked{{/MADE_UP}}><span><strong>Make one up</strong><small>It is shown once on the next page, to pass on.</small></span></label>
<label><input type="radio" name="how" value="typed"{{#TYPED}} checked{{/TYPED}}><span><strong>Type one</strong><small>At least 8 characters.</small></span></label>
</div>
</fieldset>
<div class="field" data-when="how=typed">
<label for="password">Password</label>
<div class="joined"><input id="password" name="password" type="password" maxlength="1000" autocomplete="new-password"{{#PASSWORD_PROBLEM}} aria-invalid="true" aria-describedby="password-problem"{{/PASSWORD_PROBLEM}}><button class="button" type="button" data-reveal="password" hidden>Show</button></div>
{{#PASSWORD_PROBLEM}}<p class="problem" id="password-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PASSWORD_PROBLEM}}
</div>
</div>
<div class="form-foot"><button class="button primary">Add the operator</button><a class="button" href="/operators">Cancel</a></div>
</form>
