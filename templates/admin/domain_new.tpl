{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/domains">Domains</a></li></ol></nav>
<header class="page-head"><h1>New domain</h1></header>
{{#PROBLEM}}<p class="notice bad" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
<form class="card" method="post" action="/domains/new">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="stack">
{{#IS_PROVIDER}}
<div class="field">
<label for="reseller">Reseller</label>
<select id="reseller" name="reseller" required{{#TENANT_PROBLEM}} aria-invalid="true" aria-describedby="reseller-problem"{{/TENANT_PROBLEM}}><option value="">Choose…</option>{{#CHOICE}}<option value="{{ID}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{NAME}}</option>{{/CHOICE}}</select>
{{#TENANT_PROBLEM}}<p class="problem" id="reseller-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/TENANT_PROBLEM}}
</div>
{{/IS_PROVIDER}}
<div class="field">
<label for="name">Domain name</label>
<input id="name" name="name" value="{{NAME}}" placeholder="example.org" required maxlength="253" autocapitalize="none" autocomplete="off" spellcheck="false" autofocus aria-describedby="name-hint{{#NAME_PROBLEM}} name-problem{{/NAME_PROBLEM}}"{{#NAME_PROBLEM}} aria-invalid="true"{{/NAME_PROBLEM}}>
{{#NAME_PROBLEM}}<p class="problem" id="name-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/NAME_PROBLEM}}
<p class="hint" id="name-hint">Names with letters such as ü or é are fine.</p>
</div>
<fieldset>
<legend>What happens to its mail</legend>
<div class="choice">
<label><input type="radio" name="kind" value="hosted"{{#HOSTED}} checked{{/HOSTED}}><span><strong>Hosted here</strong><small>It has mailboxes and aliases of its own.</small></span></label>
<label><input type="radio" name="kind" value="alias"{{#ALIAS}} checked{{/ALIAS}}><span><strong>Stands for another domain</strong><small>Each address is the same mailbox at the other domain.</small></span></label>
<label><input type="radio" name="kind" value="relay"{{#RELAY}} checked{{/RELAY}}><span><strong>Relayed</strong><small>Mail is accepted here and passed on to another server.</small></span></label>
</div>
</fieldset>
<div class="field" data-when="kind=alias">
<label for="stands_for">Domain that it stands for</label>
<input id="stands_for" name="stands_for" value="{{STANDS_FOR}}" maxlength="253" autocapitalize="none" spellcheck="false" placeholder="example.com"{{#ALIAS_PROBLEM}} aria-invalid="true" aria-describedby="alias-problem"{{/ALIAS_PROBLEM}}>
{{#ALIAS_PROBLEM}}<p class="problem" id="alias-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/ALIAS_PROBLEM}}
</div>
<div class="field" data-when="kind=relay">
<label for="relay_host">Server to relay to</label>
<input id="relay_host" name="relay_host" value="{{RELAY_HOST}}" maxlength="300" autocapitalize="none" spellcheck="false" placeholder="mail.example.com or [192.0.2.1]:2525" aria-describedby="relay-hint">
<p class="hint" id="relay-hint">Empty: to the domain's MX.</p>
</div>
</div>
<div class="form-foot"><button class="button primary">Add the domain</button><a class="button" href="/domains">Cancel</a></div>
</form>
