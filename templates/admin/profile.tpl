{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><div><h1>Your profile</h1><p class="lead">{{LOGIN}}</p></div></header>
<form class="card" method="post" action="/profile/password">
<input type="hidden" name="csrf" value="{{CSRF}}">
<input type="hidden" name="username" value="{{LOGIN}}" autocomplete="username">
<h2>Change your password</h2>
<div class="stack">
<div class="field">
<label for="old">The password you have</label>
<input id="old" name="old" type="password" required maxlength="1000" autocomplete="current-password"{{#OLD_PROBLEM}} aria-invalid="true" aria-describedby="old-problem"{{/OLD_PROBLEM}}>
{{#OLD_PROBLEM}}<p class="problem" id="old-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/OLD_PROBLEM}}
</div>
<div class="field">
<label for="new">The new one</label>
<div class="joined"><input id="new" name="new" type="password" required minlength="8" maxlength="1000" autocomplete="new-password" aria-describedby="new-hint{{#NEW_PROBLEM}} new-problem{{/NEW_PROBLEM}}"{{#NEW_PROBLEM}} aria-invalid="true"{{/NEW_PROBLEM}}><button class="button" type="button" data-reveal="new" hidden>Show</button></div>
{{#NEW_PROBLEM}}<p class="problem" id="new-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/NEW_PROBLEM}}
<p class="hint" id="new-hint">At least 8 characters; some unrelated words are good.</p>
</div>
</div>
<div class="form-foot"><button class="button primary">Change the password</button></div>
</form>
{{#HAS_APPS}}<section class="card detail">
<div class="card-head"><div><h2>App passwords</h2><p class="muted">For mail programs, one for each.</p></div><a class="button" href="/profile/apps">App passwords</a></div>
</section>
<section class="card detail">
<div class="card-head"><div><h2>Sharing</h2><p class="muted">Who may use your folders, and send under your address.</p></div><a class="button" href="/profile/sharing">Sharing</a></div>
</section>{{/HAS_APPS}}
<section class="card detail">
<div class="card-head"><h2>Where you are logged in</h2>{{#OTHERS}}<form method="post" action="/profile/sessions/end"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button small">Log out everywhere else</button></form>{{/OTHERS}}</div>
<table class="list">
<thead><tr><th scope="col">Program</th><th scope="col">Address</th><th scope="col">Last used</th></tr></thead>
<tbody>
{{#SESSION}}
<tr><td>{{AGENT}} {{#THIS}}<span class="badge good">This one</span>{{/THIS}}</td><td class="mono" data-label="Address">{{ADDRESS}}</td><td data-label="Last used"><time datetime="{{SEEN_ISO}}">{{SEEN}}</time></td></tr>
{{/SESSION}}
</tbody>
</table>
</section>
