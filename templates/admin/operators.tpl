{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><h1>Operators</h1><div class="actions"><a class="button primary" href="/operators/new"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#plus"></use></svg>New operator</a></div></header>
<form class="toolbar" method="get" action="/operators" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search operators</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Search login or name"></div>
{{#IS_PROVIDER}}
<label class="hidden" for="reseller">Reseller</label>
<select id="reseller" name="reseller" data-submit><option value="">All resellers</option>{{#CHOICE}}<option value="{{ID}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{NAME}}</option>{{/CHOICE}}</select>
{{/IS_PROVIDER}}
<button class="button">Search</button>
{{#SEARCHED}}<a class="button quiet" href="/operators">Show all</a>{{/SEARCHED}}
</form>
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr>
<th scope="col"{{#NAME_UP}} aria-sort="ascending"{{/NAME_UP}}{{#NAME_DOWN}} aria-sort="descending"{{/NAME_DOWN}}><a href="{{NAME_HREF}}">Login{{#NAME_UP}}<svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#up"></use></svg>{{/NAME_UP}}{{#NAME_DOWN}}<svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#down"></use></svg>{{/NAME_DOWN}}</a></th>
<th scope="col">Name</th><th scope="col">Role</th>{{#IS_PROVIDER}}<th scope="col">Reseller</th>{{/IS_PROVIDER}}<th scope="col">State</th></tr></thead>
<tbody>
{{#OPERATOR}}
<tr>
<td><a class="main-link" href="/operators/{{ID}}">{{LOGIN_NAME}}</a></td>
<td data-label="Name">{{NAME}}</td>
<td data-label="Role"><span>{{ROLE}}{{#GRANTS}} <span class="muted">({{COUNT}})</span>{{/GRANTS}}</span></td>
{{#TENANT}}<td data-label="Reseller">{{NAME}}</td>{{/TENANT}}
<td data-label="State">{{#ON}}<span class="badge good">On</span>{{/ON}}{{#OFF}}<span class="badge bad">Off</span>{{/OFF}}</td>
</tr>
{{/OPERATOR}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>No operator matches</strong></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><strong>No operators</strong></div>{{/NOTHING_THERE}}
{{>PAGER}}
</section>
