{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><div><h1>Filters</h1><p class="lead">Programs that look at mail on its way in, asked in this order: milters, policy servers, rspamd, ClamAV.</p></div><div class="actions"><a class="button primary" href="/filters/new"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#plus"></use></svg>New filter</a></div></header>
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr><th scope="col">Filter</th><th scope="col">Kind</th><th scope="col">Asked for</th><th scope="col">Where it fails</th><th scope="col">State</th></tr></thead>
<tbody>
{{#FILTER}}
<tr>
<td><a class="main-link" href="/filters/{{ID}}">{{NAME}}</a><small class="mono">{{ENDPOINT}}</small></td>
<td data-label="Kind">{{KIND}}</td>
<td data-label="Asked for">{{SERVICES}}</td>
<td data-label="Where it fails">{{#CLOSED}}mail comes again later{{/CLOSED}}{{#OPEN}}mail is taken{{/OPEN}}</td>
<td data-label="State">{{#ENFORCE}}<span class="badge good">On</span>{{/ENFORCE}}{{#WARN}}<span class="badge warn">Only warns</span>{{/WARN}}{{#OFF}}<span class="badge bad">Off</span>{{/OFF}}</td>
</tr>
{{/FILTER}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#forward"></use></svg><strong>No filters</strong><p>Mail is taken without asking anybody else. A spam filter or virus scanner is attached here.</p><p class="actions"><a class="button primary" href="/filters/new">Attach the first filter</a></p></div>{{/NOTHING_THERE}}
</section>
