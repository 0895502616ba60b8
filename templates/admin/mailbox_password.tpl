{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/mailboxes">Mailboxes</a></li><li><a href="/mailboxes/{{ID}}">{{ADDRESS}}</a></li></ol></nav>
<header class="page-head"><div><h1>New password</h1><p class="lead">for <strong>{{ADDRESS}}</strong> {{NAME}}</p></div></header>
<form class="card" method="post" action="/mailboxes/{{ID}}/password">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="stack">
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
<p class="notice info"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#info"></use></svg><span>The old password stops working at once, everywhere, and the person is logged out of the webmail.</span></p>
</div>
<div class="form-foot"><button class="button primary">Set the password</button><a class="button" href="/mailboxes/{{ID}}">Cancel</a></div>
</form>
