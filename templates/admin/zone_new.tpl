{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/domains">Domains</a></li><li><a href="/zones">Zones without mail</a></li></ol></nav>
<header class="page-head"><h1>New zone</h1></header>
<form class="card" method="post" action="/zones/new">
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
<label for="name">Name of the zone</label>
<input id="name" name="name" value="{{NAME}}" placeholder="example.net or 2.0.192.in-addr.arpa" required maxlength="253" autocapitalize="none" autocomplete="off" spellcheck="false" autofocus{{#NAME_PROBLEM}} aria-invalid="true" aria-describedby="name-problem"{{/NAME_PROBLEM}}>
{{#NAME_PROBLEM}}<p class="problem" id="name-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/NAME_PROBLEM}}
</div>
</div>
<div class="form-foot"><button class="button primary">Add the zone</button><a class="button" href="/zones">Cancel</a></div>
</form>
