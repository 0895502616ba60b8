{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/domains">Domains</a></li><li><a href="/zones/{{ZONE_ID}}">{{ZONE}}</a></li></ol></nav>
<header class="page-head"><h1>{{#NEW}}New DNS record{{/NEW}}{{#OLD}}DNS record{{/OLD}}</h1></header>
{{#PROBLEM}}<p class="notice bad" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
<form class="card" method="post" action="/zones/{{ZONE_ID}}/records/{{#OLD}}{{ID}}{{/OLD}}{{#NEW}}new{{/NEW}}">
<input type="hidden" name="csrf" value="{{CSRF}}">
{{#MANAGED}}<p class="notice info"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#info"></use></svg><span>This record was made for the domain's mail. Once changed by hand it stays as you write it.</span></p>{{/MANAGED}}
<div class="form-grid">
<div class="field full">
<label for="name">Name</label>
<div class="joined"><input id="name" name="name" value="{{NAME}}" placeholder="@" maxlength="255" autocapitalize="none" autocomplete="off" spellcheck="false" class="mono"{{#NEW}} autofocus{{/NEW}} aria-describedby="name-hint{{#NAME_PROBLEM}} name-problem{{/NAME_PROBLEM}}"{{#NAME_PROBLEM}} aria-invalid="true"{{/NAME_PROBLEM}}><span class="joint"><span>.{{ZONE}}</span></span></div>
{{#NAME_PROBLEM}}<p class="problem" id="name-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/NAME_PROBLEM}}
<p class="hint" id="name-hint">@ or empty is the zone itself; * stands for every name.</p>
</div>
<div class="field">
<label for="type">Type</label>
<select id="type" name="type">{{#TYPE}}<option{{#CHOSEN}} selected{{/CHOSEN}}>{{NAME}}</option>{{/TYPE}}</select>
</div>
<div class="field">
<label for="ttl">Time to live, in seconds</label>
<input id="ttl" name="ttl" value="{{TTL}}" inputmode="numeric" placeholder="{{ZONE_TTL}}"{{#TTL_PROBLEM}} aria-invalid="true" aria-describedby="ttl-problem"{{/TTL_PROBLEM}}>
{{#TTL_PROBLEM}}<p class="problem" id="ttl-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/TTL_PROBLEM}}
</div>
<div class="field full">
<label for="value">Value</label>
<textarea id="value" name="value" rows="3" required maxlength="16384" spellcheck="false" autocapitalize="none" class="mono" aria-describedby="value-hint{{#VALUE_PROBLEM}} value-problem{{/VALUE_PROBLEM}}"{{#VALUE_PROBLEM}} aria-invalid="true"{{/VALUE_PROBLEM}}>{{VALUE}}</textarea>
{{#VALUE_PROBLEM}}<p class="problem" id="value-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/VALUE_PROBLEM}}
<div class="hint" id="value-hint">
<p data-when="type=A">An IPv4 address: <span class="mono">192.0.2.1</span></p>
<p data-when="type=AAAA">An IPv6 address: <span class="mono">2001:db8::1</span></p>
<p data-when="type=CNAME PTR NS">A name: <span class="mono">host.example.org.</span> With a dot at its end it is complete; without one it is within the zone.</p>
<p data-when="type=MX">Preference and server: <span class="mono">10 mail.example.org.</span></p>
<p data-when="type=TXT">Any text; quotes are added where they are missing.</p>
<p data-when="type=SRV">Priority, weight, port and server: <span class="mono">0 1 443 host.example.org.</span></p>
<p data-when="type=CAA">Flags, tag and value: <span class="mono">0 issue "letsencrypt.org"</span></p>
</div>
</div>
</div>
<div class="form-foot"><button class="button primary">Save the record</button><a class="button" href="/zones/{{ZONE_ID}}">Cancel</a>{{#OLD}}<a class="button quiet bad last" href="/zones/{{ZONE_ID}}/records/{{ID}}/delete">Delete…</a>{{/OLD}}</div>
</form>
