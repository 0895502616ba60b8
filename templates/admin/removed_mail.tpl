{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs">
{{#MANAGER}}<li><a href="/domains">Domains</a></li><li><a href="/domains/{{DOMAIN_ID}}/mailboxes">{{DOMAIN}}</a></li>{{/MANAGER}}
{{#HELPDESK}}<li><a href="/mailboxes">Mailboxes</a></li>{{/HELPDESK}}
<li><a href="/mailboxes/{{ID}}">{{ADDRESS}}</a></li>
</ol></nav>
<header class="page-head"><div><h1>Removed mail</h1><p class="lead">Mail that {{ADDRESS}} deleted for good is kept for {{DAYS}} days. What is brought back goes to the folder where it was.</p></div></header>
<form class="toolbar" method="get" action="/mailboxes/{{ID}}/removed" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search removed mail</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Subject or sender" maxlength="200"></div>
<button class="button">Search</button>
</form>
<form method="post" action="/mailboxes/{{ID}}/removed">
<input type="hidden" name="csrf" value="{{CSRF}}">
<input type="hidden" name="q" value="{{SEARCH}}">
<section class="card">
{{#PROBLEM}}<p class="problem card-body" id="problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
{{#ROWS}}
<table class="list">
<thead><tr><th scope="col"><span class="hidden">Choose</span></th><th scope="col">Subject</th><th scope="col">From</th><th scope="col">Folder</th><th scope="col">Size</th><th scope="col">Removed</th><th scope="col">Kept until</th></tr></thead>
<tbody>
{{#MESSAGE}}
<tr><td><input type="checkbox" name="key" value="{{KEY}}" aria-label="Bring back: {{SUBJECT}}"></td><td>{{SUBJECT}}</td><td data-label="From">{{FROM}}</td><td data-label="Folder">{{FOLDER}}</td><td data-label="Size">{{SIZE}}</td><td data-label="Removed"><time datetime="{{REMOVED_ISO}}">{{REMOVED}}</time></td><td data-label="Kept until"><time datetime="{{UNTIL_ISO}}">{{UNTIL}}</time></td></tr>
{{/MESSAGE}}
</tbody>
</table>
{{#MORE}}<p class="card-body muted">These are the newest; search for others.</p>{{/MORE}}
<div class="card-body"><button class="button primary">Bring the chosen ones back</button></div>
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>No removed mail has this in it</strong></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#check"></use></svg><strong>There is nothing to bring back</strong></div>{{/NOTHING_THERE}}
</section>
</form>
