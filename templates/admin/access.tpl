{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><div><h1>Allow and deny lists</h1><p class="lead">An allowed client or sender is spared the rules for incoming mail; a denied one is refused. A domain's entries go before its reseller's, and those before the installation's.</p></div></header>
<form class="toolbar" method="get" action="/access" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search entries</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Search who, domain or note"></div>
<button class="button">Search</button>
{{#SEARCHED}}<a class="button quiet" href="/access">Show all</a>{{/SEARCHED}}
</form>
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr><th scope="col">Who</th><th scope="col">What</th><th scope="col">For</th><th scope="col"><span class="hidden">Acts</span></th></tr></thead>
<tbody>
{{#ENTRY}}
<tr>
<td><strong>{{PATTERN}}</strong><small>{{KIND}}{{#NOTED}}: {{NOTE}}{{/NOTED}}</small></td>
<td data-label="What">{{#GOOD}}<span class="badge good">{{ACTION}}</span>{{/GOOD}}{{#BAD}}<span class="badge bad">{{ACTION}}</span>{{/BAD}}</td>
<td data-label="For"><span>{{FOR}}{{#OF}} <span class="muted">of {{TENANT}}</span>{{/OF}}</span></td>
<td class="tight"><div class="row-actions"><a class="icon-button bad" href="/access/{{ID}}/delete" title="Delete"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#trash"></use></svg><span class="hidden">Delete {{PATTERN}}</span></a></div></td>
</tr>
{{/ENTRY}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>No entry matches</strong></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#check"></use></svg><strong>No entries</strong><p>The rules decide about everybody.</p></div>{{/NOTHING_THERE}}
{{>PAGER}}
</section>
<form class="card detail" method="post" action="/access">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="stack">
<h2>New entry</h2>
{{#PROBLEM}}<p class="notice bad" role="alert" id="pattern-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
<div class="form-grid">
<div class="field"><label for="action">What happens</label><select id="action" name="action">{{#ACTION_CHOICE}}<option value="{{VALUE}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{LABEL}}</option>{{/ACTION_CHOICE}}</select></div>
<div class="field"><label for="kind">To whom</label><select id="kind" name="kind">{{#KIND_CHOICE}}<option value="{{VALUE}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{LABEL}}</option>{{/KIND_CHOICE}}</select></div>
<div class="field full" data-when="kind=sender network helo"><label for="pattern">Who</label><input id="pattern" name="pattern" value="{{PATTERN}}" maxlength="320" autocapitalize="none" autocomplete="off" spellcheck="false" aria-describedby="pattern-hint">
<p class="hint" id="pattern-hint">jane@example.org, example.org, or .example.org for all below it; a network is 192.0.2.0/24, 2001:db8::/32 or a single address. What a sender calls itself can be forged: to allow, name its network.</p></div>
{{#IS_PROVIDER}}<div class="field"><label for="reseller">For the recipients of</label><select id="reseller" name="reseller"><option value="">Everybody</option>{{#CHOICE}}<option value="{{ID}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{NAME}}</option>{{/CHOICE}}</select></div>{{/IS_PROVIDER}}
<div class="field"><label for="domain">For the domain</label><input id="domain" name="domain" value="{{DOMAIN}}" maxlength="253" autocapitalize="none" autocomplete="off" spellcheck="false"{{#DOMAIN_NEEDED}} required{{/DOMAIN_NEEDED}}{{#DOMAIN_OPTIONAL}} placeholder="all domains"{{/DOMAIN_OPTIONAL}}></div>
<div class="field full"><label for="note">Note</label><input id="note" name="note" value="{{NOTE}}" maxlength="200" autocomplete="off"></div>
</div>
</div>
<div class="form-foot"><button class="button primary">Add the entry</button></div>
</form>
