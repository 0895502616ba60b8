{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><h1>Resellers</h1><div class="actions"><a class="button primary" href="/resellers/new"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#plus"></use></svg>New reseller</a></div></header>
<form class="toolbar" method="get" action="/resellers" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search resellers</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Search resellers"></div>
<button class="button">Search</button>
{{#SEARCHED}}<a class="button quiet" href="/resellers">Show all</a>{{/SEARCHED}}
</form>
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr>
<th scope="col"{{#NAME_UP}} aria-sort="ascending"{{/NAME_UP}}{{#NAME_DOWN}} aria-sort="descending"{{/NAME_DOWN}}><a href="{{NAME_HREF}}">Reseller{{#NAME_UP}}<svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#up"></use></svg>{{/NAME_UP}}{{#NAME_DOWN}}<svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#down"></use></svg>{{/NAME_DOWN}}</a></th>
<th scope="col" class="number">Domains</th><th scope="col" class="number">Mailboxes</th><th scope="col">State</th><th scope="col">Since</th></tr></thead>
<tbody>
{{#RESELLER}}
<tr>
<td><a class="main-link" href="/resellers/{{ID}}">{{NAME}}</a></td>
<td class="number" data-label="Domains"><span><a href="/domains?reseller={{ID}}">{{DOMAINS}}</a>{{#LIMITED}} of {{MAX}}{{/LIMITED}}</span></td>
<td class="number" data-label="Mailboxes">{{MAILBOXES}}</td>
<td data-label="State">{{#ON}}<span class="badge good">On</span>{{/ON}}{{#SUSPENDED}}<span class="badge bad">Suspended</span>{{/SUSPENDED}}</td>
<td class="tight" data-label="Since"><time datetime="{{CREATED_ISO}}" data-date>{{CREATED}}</time></td>
</tr>
{{/RESELLER}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>No reseller matches</strong></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#building"></use></svg><strong>No resellers yet</strong><p>Every domain belongs to a reseller. If you have no others, make one for yourself.</p><p class="actions"><a class="button primary" href="/resellers/new">Add the first reseller</a></p></div>{{/NOTHING_THERE}}
{{>PAGER}}
</section>
