{{%AUTOESCAPE context="HTML"}}
{{>HEAD}}
{{#PROBLEM}}<p class="notice bad" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>The nameservers still have the version before: {{TEXT}}</span></p>{{/PROBLEM}}
<div class="toolbar">
<form class="toolbar grow" method="get" action="/zones/{{ID}}" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search records</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Search name, type or value"></div>
<button class="button">Search</button>
{{#SEARCHED}}<a class="button quiet" href="/zones/{{ID}}">Show all</a>{{/SEARCHED}}
</form>
<a class="button primary" href="/zones/{{ID}}/records/new"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#plus"></use></svg>New record</a>
</div>
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Value</th><th scope="col" class="number">TTL</th><th scope="col"><span class="hidden">Acts</span></th></tr></thead>
<tbody>
{{#RECORD}}
<tr>
<td class="mono"><a class="main-link" href="/zones/{{ZONE_ID}}/records/{{ID}}">{{NAME}}</a></td>
<td data-label="Type"><span class="badge">{{TYPE}}</span></td>
<td class="mono value" data-label="Value"><span>{{VALUE}}</span>{{#MANAGED}} <span class="badge info" title="Made for the domain's mail">mail</span>{{/MANAGED}}</td>
<td class="number" data-label="TTL">{{#OWN_TTL}}{{TTL}}{{/OWN_TTL}}</td>
<td class="tight"><div class="row-actions"><a class="icon-button" href="/zones/{{ZONE_ID}}/records/{{ID}}" title="Change"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#edit"></use></svg><span class="hidden">Change {{NAME}} {{TYPE}}</span></a><a class="icon-button bad" href="/zones/{{ZONE_ID}}/records/{{ID}}/delete" title="Delete"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#trash"></use></svg><span class="hidden">Delete {{NAME}} {{TYPE}}</span></a></div></td>
</tr>
{{/RECORD}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>No record matches</strong></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#globe"></use></svg><strong>No records yet</strong></div>{{/NOTHING_THERE}}
{{>PAGER}}
</section>
<p class="footnote">Serial {{SERIAL}} · {{#EXPORTED}}at the nameservers since <time datetime="{{AT_ISO}}">{{AT}}</time>{{/EXPORTED}}{{#NOT_EXPORTED}}on its way to the nameservers{{/NOT_EXPORTED}} · primary {{PRIMARY}} · records live {{TTL}} seconds where they don't say otherwise</p>
