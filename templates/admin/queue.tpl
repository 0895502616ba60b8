{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><div><h1>Queue</h1><p class="lead">Mail on its way to other servers.</p></div></header>
<form class="toolbar" method="get" action="/queue" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search the queue</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Search recipient, sender or reply"></div>
<label class="hidden" for="status">State</label>
<select id="status" name="status" data-submit><option value="">All</option><option value="pending"{{#CHOSEN_PENDING}} selected{{/CHOSEN_PENDING}}>Waiting</option><option value="held"{{#CHOSEN_HELD}} selected{{/CHOSEN_HELD}}>Held</option></select>
<button class="button">Search</button>
{{#SEARCHED}}<a class="button quiet" href="/queue">Show all</a>{{/SEARCHED}}
</form>
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr><th scope="col">Recipient</th><th scope="col">Sender</th><th scope="col">State</th><th scope="col" class="number">Size</th><th scope="col"><span class="hidden">Acts</span></th></tr></thead>
<tbody>
{{#ENTRY}}
<tr>
<td><strong>{{ADDRESS}}</strong>{{#REPLIED}}<small>{{TEXT}}</small>{{/REPLIED}}</td>
<td data-label="Sender"><span>{{SENDER}}<small><a href="/trace/{{MESSAGE}}">{{MESSAGE}}</a>, since <time datetime="{{RECEIVED_ISO}}">{{RECEIVED}}</time></small></span></td>
<td data-label="State"><span>{{#HELD}}<span class="badge warn">Held</span>{{/HELD}}{{#BUSY}}<span class="badge info">Being tried</span>{{/BUSY}}{{#WAITING}}<span class="badge">Waiting</span><small>tried {{ATTEMPTS}} times, next <time datetime="{{NEXT_ISO}}">{{NEXT}}</time></small>{{/WAITING}}</span></td>
<td class="number" data-label="Size">{{SIZE}}</td>
<td class="tight"><div class="row-actions">
{{#HELD}}<form method="post" action="/queue/{{ID}}/release"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="icon-button" title="Release"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#play"></use></svg><span class="hidden">Release {{ADDRESS}}</span></button></form>{{/HELD}}
{{#WAITING}}<form method="post" action="/queue/{{ID}}/release"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="icon-button" title="Try now"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#play"></use></svg><span class="hidden">Try {{ADDRESS}} now</span></button></form><form method="post" action="/queue/{{ID}}/hold"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="icon-button" title="Hold"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#pause"></use></svg><span class="hidden">Hold {{ADDRESS}}</span></button></form>{{/WAITING}}
<a class="icon-button bad" href="/queue/{{ID}}/delete" title="Delete"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#trash"></use></svg><span class="hidden">Delete {{ADDRESS}}</span></a>
</div></td>
</tr>
{{/ENTRY}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>Nothing in the queue matches</strong></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#check"></use></svg><strong>The queue is empty</strong><p>All mail for elsewhere has been delivered.</p></div>{{/NOTHING_THERE}}
{{>PAGER}}
</section>
