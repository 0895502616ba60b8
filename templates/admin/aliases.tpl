{{%AUTOESCAPE context="HTML"}}
{{>HEAD}}
<div class="toolbar">
<form class="toolbar grow" method="get" action="/domains/{{DOMAIN_ID}}/aliases" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search aliases of this domain</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Search address or target"></div>
<button class="button">Search</button>
{{#SEARCHED}}<a class="button quiet" href="/domains/{{DOMAIN_ID}}/aliases">Show all</a>{{/SEARCHED}}
</form>
<a class="button primary" href="/domains/{{DOMAIN_ID}}/aliases/new"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#plus"></use></svg>New alias</a>
</div>
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr><th scope="col">Alias</th><th scope="col">Delivers to</th><th scope="col"><span class="hidden">Acts</span></th></tr></thead>
<tbody>
{{#ALIAS}}
<tr>
<td><a class="main-link" href="/domains/{{DOMAIN_ID}}/aliases/{{ID}}">{{#NAMED}}{{ADDRESS}}{{/NAMED}}{{#CATCH_ALL}}Catch-all{{/CATCH_ALL}}</a>{{#CATCH_ALL}}<small>every address that nothing else matches</small>{{/CATCH_ALL}}{{#OFF}} <span class="badge bad">Off</span>{{/OFF}}</td>
<td data-label="Delivers to"><span>{{#TARGET}}<span class="item">{{ADDRESS}}</span> {{/TARGET}}{{#FURTHER}}<span class="muted">and {{COUNT}} more</span>{{/FURTHER}}</span></td>
<td class="tight"><div class="row-actions"><a class="icon-button" href="/domains/{{DOMAIN_ID}}/aliases/{{ID}}" title="Change"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#edit"></use></svg><span class="hidden">Change {{#NAMED}}{{ADDRESS}}{{/NAMED}}{{#CATCH_ALL}}the catch-all{{/CATCH_ALL}}</span></a><a class="icon-button bad" href="/domains/{{DOMAIN_ID}}/aliases/{{ID}}/delete" title="Delete"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#trash"></use></svg><span class="hidden">Delete {{#NAMED}}{{ADDRESS}}{{/NAMED}}{{#CATCH_ALL}}the catch-all{{/CATCH_ALL}}</span></a></div></td>
</tr>
{{/ALIAS}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>No alias matches</strong></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#forward"></use></svg><strong>No aliases yet</strong><p>An alias is an address that leads to one or more others, here or elsewhere.</p><p class="actions"><a class="button" href="/domains/{{DOMAIN_ID}}/aliases/new?catch-all=1">Set up a catch-all</a></p></div>{{/NOTHING_THERE}}
{{>PAGER}}
</section>
