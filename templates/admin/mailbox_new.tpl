{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/domains">Domains</a></li><li><a href="/domains/{{DOMAIN_ID}}/mailboxes">{{DOMAIN}}</a></li></ol></nav>
<header class="page-head"><h1>New mailbox</h1></header>
<form class="card" method="post" action="/domains/{{DOMAIN_ID}}/mailboxes/new">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="stack">
<div class="field">
<label for="local">Address</label>
<div class="joined"><input id="local" name="local" value="{{LOCAL}}" required maxlength="320" autocapitalize="none" autocomplete="off" spellcheck="false" autofocus{{#LOCAL_PROBLEM}} aria-invalid="true" aria-describedby="local-problem"{{/LOCAL_PROBLEM}}><span class="joint"><span>@{{DOMAIN}}</span></span></div>
{{#LOCAL_PROBLEM}}<p class="problem" id="local-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/LOCAL_PROBLEM}}
</div>
<div class="form-grid">
<div class="field">
<label for="name">Name of the person</label>
<input id="name" name="name" value="{{NAME}}" maxlength="200" autocomplete="off">
</div>
<div class="field">
<label for="quota">Space for mail</label>
<input id="quota" name="quota" value="{{QUOTA}}" placeholder="no limit" aria-describedby="quota-hint{{#QUOTA_PROBLEM}} quota-problem{{/QUOTA_PROBLEM}}"{{#QUOTA_PROBLEM}} aria-invalid="true"{{/QUOTA_PROBLEM}}>
{{#QUOTA_PROBLEM}}<p class="problem" id="quota-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/QUOTA_PROBLEM}}
<p class="hint" id="quota-hint">Such as 500 MB or 2 GB. Empty: no limit.</p>
</div>
</div>
<fieldset>
<legend>Password</legend>
<div class="choice">
<label><input type="radio" name="how" value="made_up"{{#MADE_UP}} checked{{/MADE_UP}}><span><strong>Make one up</strong><small>It is shown once on the next page, to pass on.</small></span></label>
<label><input type="radio" name="how" value="typed"{{#TYPED}} checked{{/TYPED}}><span><strong>Type one</strong><small>At least 8 characters.</small></span></label>
<label><input type="radio" name="how" value="shared"{{#NOBODY}} checked{{/NOBODY}}><span><strong>None: a shared mailbox</strong><small>Nobody logs in to it. Several people use its folders, which you share with them.</small></span></label>
</div>
</fieldset>
<div class="field" data-when="how=typed">
<label for="password">Password</label>
<div class="joined"><input id="password" name="password" type="password" maxlength="1000" autocomplete="new-password"{{#PASSWORD_PROBLEM}} aria-invalid="true" aria-describedby="password-problem"{{/PASSWORD_PROBLEM}}><button class="button" type="button" data-reveal="password" hidden>Show</button></div>
{{#PASSWORD_PROBLEM}}<p class="problem" id="password-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PASSWORD_PROBLEM}}
</div>
</div>
<div class="form-foot"><button class="button primary">Add the mailbox</button><a class="button" href="/domains/{{DOMAIN_ID}}/mailboxes">Cancel</a></div>
</form>
