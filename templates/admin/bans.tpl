{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><div><h1>Bans</h1><p class="lead">Who failed too often to log in, and has to wait. Lifting a ban works at once.</p></div></header>
<form class="toolbar" method="get" action="/bans" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search bans</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Login or IP address" maxlength="200"></div>
<button class="button">Search</button>
</form>
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr><th scope="col">Login</th><th scope="col">From</th><th scope="col">Failures</th><th scope="col">Last one</th><th scope="col">Since</th><th scope="col">Until</th><th scope="col"><span class="hidden">Lift</span></th></tr></thead>
<tbody>
{{#BAN}}
<tr><td>{{ACCOUNT}}</td><td class="mono" data-label="From">{{ADDRESS}}</td><td data-label="Failures">{{FAILURES}}</td><td data-label="Last one">{{REASON}}</td><td data-label="Since"><time datetime="{{SINCE_ISO}}">{{SINCE}}</time></td><td data-label="Until"><time datetime="{{UNTIL_ISO}}">{{UNTIL}}</time></td><td><form method="post" action="/bans/{{ID}}/lift"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button small" aria-label="Lift the ban of {{ACCOUNT}} from {{ADDRESS}}">Lift</button></form></td></tr>
{{/BAN}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>No ban has this in it</strong></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#check"></use></svg><strong>Nobody is banned just now</strong></div>{{/NOTHING_THERE}}
{{#MORE}}<p class="card-body muted">There are more: search for one.</p>{{/MORE}}
</section>
