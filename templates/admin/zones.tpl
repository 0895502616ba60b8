{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/domains">Domains</a></li></ol></nav>
<header class="page-head"><div><h1>Zones without mail</h1><p class="lead">Each domain has its zone already; these are names that only need DNS.</p></div><div class="actions"><a class="button primary" href="/zones/new"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#plus"></use></svg>New zone</a></div></header>
<form class="toolbar" method="get" action="/zones" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search zones</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Search zones"></div>
<button class="button">Search</button>
{{#SEARCHED}}<a class="button quiet" href="/zones">Show all</a>{{/SEARCHED}}
</form>
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr><th scope="col">Zone</th>{{#IS_PROVIDER}}<th scope="col">Reseller</th>{{/IS_PROVIDER}}<th scope="col" class="number">Records</th><th scope="col" class="number">Serial</th><th scope="col">State</th></tr></thead>
<tbody>
{{#ZONE}}
<tr>
<td><a class="main-link" href="/zones/{{ID}}">{{NAME}}</a></td>
{{#TENANT}}<td data-label="Reseller">{{NAME}}</td>{{/TENANT}}
<td class="number" data-label="Records">{{RECORDS}}</td>
<td class="number" data-label="Serial">{{SERIAL}}</td>
<td data-label="State">{{#FINE}}<span class="badge good">Fine</span>{{/FINE}}{{#BROKEN}}<span class="badge bad">Refused</span>{{/BROKEN}}</td>
</tr>
{{/ZONE}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>No zone matches</strong></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#globe"></use></svg><strong>No such zones</strong><p>For a name with mail, add a domain: its zone comes with it.</p></div>{{/NOTHING_THERE}}
{{>PAGER}}
</section>
