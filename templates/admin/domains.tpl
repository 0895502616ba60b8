{{%AUTOESCAPE context="HTML"}}
<header class="page-head">
<h1>Domains</h1>
{{#MAY_ADD}}<div class="actions"><a class="button quiet" href="/zones">Zones without mail</a><a class="button primary" href="/domains/new"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#plus"></use></svg>New domain</a></div>{{/MAY_ADD}}
</header>
<form class="toolbar" method="get" action="/domains" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search domains</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Search domains"></div>
{{#IS_PROVIDER}}
<label class="hidden" for="reseller">Reseller</label>
<select id="reseller" name="reseller" data-submit><option value="">All resellers</option>{{#CHOICE}}<option value="{{ID}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{NAME}}</option>{{/CHOICE}}</select>
{{/IS_PROVIDER}}
<button class="button">Search</button>
{{#SEARCHED}}<a class="button quiet" href="/domains">Show all</a>{{/SEARCHED}}
</form>
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr>
<th scope="col"{{#NAME_UP}} aria-sort="ascending"{{/NAME_UP}}{{#NAME_DOWN}} aria-sort="descending"{{/NAME_DOWN}}><a href="{{NAME_HREF}}">Domain{{#NAME_UP}}<svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#up"></use></svg>{{/NAME_UP}}{{#NAME_DOWN}}<svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#down"></use></svg>{{/NAME_DOWN}}</a></th>
{{#IS_PROVIDER}}<th scope="col">Reseller</th>{{/IS_PROVIDER}}
<th scope="col" class="number">Mailboxes</th>
<th scope="col" class="number">Aliases</th>
<th scope="col">State</th>
<th scope="col"{{#CREATED_UP}} aria-sort="ascending"{{/CREATED_UP}}{{#CREATED_DOWN}} aria-sort="descending"{{/CREATED_DOWN}}><a href="{{CREATED_HREF}}">Since{{#CREATED_UP}}<svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#up"></use></svg>{{/CREATED_UP}}{{#CREATED_DOWN}}<svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#down"></use></svg>{{/CREATED_DOWN}}</a></th>
</tr></thead>
<tbody>
{{#DOMAIN}}
<tr>
<td><a class="main-link" href="/domains/{{ID}}">{{DISPLAY}}</a>{{#ASCII}}<small class="mono">{{NAME}}</small>{{/ASCII}}{{#STANDS_FOR}}<small>stands for {{TARGET}}</small>{{/STANDS_FOR}}{{#RELAYED}}<small>relayed to {{TARGET}}</small>{{/RELAYED}}</td>
{{#TENANT}}<td data-label="Reseller"><a href="/domains?reseller={{ID}}">{{NAME}}</a></td>{{/TENANT}}
<td class="number" data-label="Mailboxes">{{#HOSTED}}{{MAILBOXES}}{{/HOSTED}}</td>
<td class="number" data-label="Aliases">{{#HOSTED}}{{ALIASES}}{{/HOSTED}}</td>
<td data-label="State">{{#ON}}<span class="badge good">On</span>{{/ON}}{{#OFF}}<span class="badge bad">Off</span>{{/OFF}}{{#SUSPENDED}}<span class="badge warn">Reseller suspended</span>{{/SUSPENDED}}</td>
<td class="tight" data-label="Since"><time datetime="{{CREATED_ISO}}" data-date>{{CREATED}}</time></td>
</tr>
{{/DOMAIN}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>No domain matches</strong><p>Search for a part of its name, or <a href="/domains">look at all of them</a>.</p></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#globe"></use></svg><strong>No domains yet</strong><p>A domain brings its DNS zone with it; then add mailboxes and aliases.</p>{{#MAY_ADD}}<p class="actions"><a class="button primary" href="/domains/new">Add the first domain</a></p>{{/MAY_ADD}}</div>{{/NOTHING_THERE}}
{{>PAGER}}
</section>
