{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><h1>{{#IS_NEW}}The operator is there{{/IS_NEW}}{{#IS_RESET}}The password is set{{/IS_RESET}}</h1></header>
<section class="card detail">
<div class="card-body stack">
<dl class="facts"><dt>Login</dt><dd><strong>{{LOGIN_NAME}}</strong></dd></dl>
<div class="field">
<span class="label">Password</span>
<div class="secret"><code id="secret">{{PASSWORD}}</code><button class="button small" type="button" data-copy="secret" hidden><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#copy"></use></svg><span data-label>Copy</span></button></div>
</div>
<p class="notice warn"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>This is the only time it is shown. Pass it on now.</span></p>
<p class="actions"><a class="button primary" href="/operators/{{ID}}">To the operator</a><a class="button" href="/operators">All operators</a></p>
</div>
</section>
