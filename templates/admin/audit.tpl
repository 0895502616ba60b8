{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><div><h1>Audit log</h1><p class="lead">Who changed what. Kept by the database; nobody can change it.</p></div></header>
<form class="toolbar" method="get" action="/audit" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Search object or person"></div>
<label class="hidden" for="kind">Kind</label>
<select id="kind" name="kind" data-submit><option value="">Everything</option>{{#KIND}}<option value="{{VALUE}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{LABEL}}</option>{{/KIND}}</select>
<label class="inline">From <input type="date" name="from" value="{{FROM}}"></label>
<label class="inline">to <input type="date" name="to" value="{{TO}}"></label>
<button class="button">Search</button>
{{#SEARCHED}}<a class="button quiet" href="/audit">Show all</a>{{/SEARCHED}}
</form>
<section class="card">
{{>ENTRIES}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>Nothing found</strong></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#history"></use></svg><strong>Nothing has been changed yet</strong></div>{{/NOTHING_THERE}}
{{>PAGER}}
</section>
