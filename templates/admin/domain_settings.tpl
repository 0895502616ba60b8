{{%AUTOESCAPE context="HTML"}}
{{>HEAD}}
<section class="card detail">
<div class="card-body">
<dl class="facts">
<dt>Name in DNS</dt><dd class="mono">{{NAME}}</dd>
<dt>Kind</dt><dd>{{KIND}}</dd>
{{#HAS_TARGET}}<dt>Mail goes to</dt><dd>{{TARGET}}</dd>{{/HAS_TARGET}}
<dt>Reseller</dt><dd>{{TENANT}}</dd>
<dt>Here since</dt><dd><time datetime="{{CREATED_ISO}}">{{CREATED}}</time></dd>
</dl>
</div>
</section>
{{#CHANGE}}
<form class="card" method="post" action="/domains/{{ID}}/settings">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="stack">
<h2>Settings</h2>
<label class="check"><input type="checkbox" name="active" value="1"{{#ACTIVE}} checked{{/ACTIVE}}><span>Switched on<small>Off: nobody of this domain can log in, and mail to it is refused. Nothing is deleted.</small></span></label>
{{#HOSTED}}
<div class="field">
<label for="limit">Mailboxes at most</label>
<input id="limit" name="limit" value="{{LIMIT}}" inputmode="numeric" placeholder="no limit"{{#LIMIT_PROBLEM}} aria-invalid="true" aria-describedby="limit-problem"{{/LIMIT_PROBLEM}}>
{{#LIMIT_PROBLEM}}<p class="problem" id="limit-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/LIMIT_PROBLEM}}
</div>
{{>PROTOCOLS}}
{{/HOSTED}}
</div>
<div class="form-foot"><button class="button primary">Save</button></div>
</form>
<section class="card danger detail">
<div class="card-head"><div><h2>Delete the domain</h2><p class="muted">With its mailboxes, mail, aliases and DNS zone. You see what goes before it does.</p></div>
<a class="button" href="/domains/{{ID}}/delete">Delete…</a></div>
</section>
{{/CHANGE}}
