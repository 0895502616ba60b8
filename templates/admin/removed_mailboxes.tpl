{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/mailboxes">Mailboxes</a></li></ol></nav>
<header class="page-head"><div><h1>Deleted mailboxes</h1><p class="lead">They wait for some days with all their mail. One that is brought back has its password and everything that was set for it.</p></div></header>
<form class="toolbar" method="get" action="/mailboxes/removed" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search deleted mailboxes</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Address or name" maxlength="200"></div>
<button class="button">Search</button>
</form>
<section class="card">
{{#PROBLEM}}<p class="problem card-body" id="problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
{{#ROWS}}
<table class="list">
<thead><tr><th scope="col">Address</th><th scope="col">Person</th><th scope="col">Mail</th><th scope="col">Deleted</th><th scope="col">By</th><th scope="col">Kept until</th><th scope="col"><span class="hidden">Bring back</span></th></tr></thead>
<tbody>
{{#MAILBOX}}
<tr><td>{{ADDRESS}}</td><td data-label="Person">{{NAME}}</td><td data-label="Mail">{{MESSAGES}} messages, {{SIZE}}</td><td data-label="Deleted"><time datetime="{{REMOVED_ISO}}">{{REMOVED}}</time></td><td data-label="By">{{BY}}</td><td data-label="Kept until"><time datetime="{{UNTIL_ISO}}">{{UNTIL}}</time></td><td><form method="post" action="/mailboxes/removed/{{ID}}"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button small" aria-label="Bring {{ADDRESS}} back">Bring back</button></form></td></tr>
{{/MAILBOX}}
</tbody>
</table>
{{#MORE}}<p class="card-body muted">There are more: search for one.</p>{{/MORE}}
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>No deleted mailbox has this in it</strong></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#check"></use></svg><strong>No mailbox was deleted lately</strong></div>{{/NOTHING_THERE}}
</section>
