{{%AUTOESCAPE context="HTML"}}
<form class="card narrow" method="post" action="/login">
<h1>Log in</h1>
{{#PROBLEM}}
<p class="notice bad" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>
{{/PROBLEM}}
{{#INSECURE}}
<p class="notice warn"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>This connection is not encrypted. Use https.</span></p>
{{/INSECURE}}
<input type="hidden" name="csrf" value="{{CSRF}}">
<input type="hidden" name="next" value="{{NEXT}}">
<div class="field">
<label for="login">Login or mail address</label>
<input id="login" name="login" value="{{NAME}}" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="320"{{#FOCUS_NAME}} autofocus{{/FOCUS_NAME}}>
</div>
<div class="field">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1000"{{#FOCUS_PASSWORD}} autofocus{{/FOCUS_PASSWORD}}>
</div>
<button class="button primary wide">Log in</button>
</form>
