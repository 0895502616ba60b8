{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><h1>The app password is there</h1></header>
<section class="card detail">
<div class="card-body stack">
<dl class="facts"><dt>For</dt><dd><strong>{{NAME}}</strong></dd><dt>Login</dt><dd>{{LOGIN}}</dd></dl>
<div class="field">
<span class="label">Password</span>
<div class="secret"><code id="secret">{{PASSWORD}}</code><button class="button small" type="button" data-copy="secret" hidden><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#copy"></use></svg><span data-label>Copy</span></button></div>
</div>
<p class="notice warn"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>This is the only time it is shown. Type it into the mail program now.</span></p>
<p class="actions"><a class="button primary" href="/profile/apps">To the app passwords</a></p>
</div>
</section>
