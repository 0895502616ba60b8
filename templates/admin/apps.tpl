{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/profile">Your profile</a></li></ol></nav>
<header class="page-head"><div><h1>App passwords</h1><p class="lead">One for each mail program, made up for you. You can take it back without changing your password.</p></div></header>
<form class="card" method="post" action="/profile/apps">
<input type="hidden" name="csrf" value="{{CSRF}}">
<h2>A new one</h2>
<div class="form-grid">
<div class="field">
<label for="name">Name</label>
<input id="name" name="name" value="{{NAME}}" required maxlength="100" placeholder="Phone" autocomplete="off" aria-describedby="name-hint{{#NAME_PROBLEM}} name-problem{{/NAME_PROBLEM}}"{{#NAME_PROBLEM}} aria-invalid="true"{{/NAME_PROBLEM}}>
{{#NAME_PROBLEM}}<p class="problem" id="name-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/NAME_PROBLEM}}
<p class="hint" id="name-hint">By which you know the program or device again.</p>
</div>
<div class="field">
<label for="for">It may</label>
<select id="for" name="for"><option value="">Read and send mail</option><option value="imap pop3">Only read mail</option><option value="smtp">Only send mail</option></select>
</div>
</div>
<div class="form-foot"><button class="button primary">Make an app password</button></div>
</form>
<section class="card detail">
<div class="card-head"><h2>What can log in</h2></div>
{{>LIST}}
</section>
<form class="card" method="post" action="/profile/apps/only">
<input type="hidden" name="csrf" value="{{CSRF}}">
<label class="check full"><input type="checkbox" name="only" value="1"{{#ONLY}} checked{{/ONLY}}><span>Only app passwords for mail programs<small>Your own password is then good for this web site alone, and is no use to whoever steals it from a mail program.</small></span></label>
<div class="form-foot"><button class="button">Save</button></div>
</form>
