{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/resellers">Resellers</a></li></ol></nav>
<header class="page-head"><h1>{{RESELLER}} {{#SUSPENDED}}<span class="badge bad">Suspended</span>{{/SUSPENDED}}</h1></header>
<section class="card detail">
<div class="card-body">
<dl class="facts">
<dt>Domains</dt><dd><a href="/domains?reseller={{ID}}">{{DOMAINS}}</a></dd>
<dt>Mailboxes</dt><dd>{{MAILBOXES}}</dd>
<dt>Operators</dt><dd><a href="/operators?reseller={{ID}}">{{OPERATORS}}</a></dd>
<dt>Here since</dt><dd><time datetime="{{CREATED_ISO}}">{{CREATED}}</time></dd>
</dl>
</div>
</section>
<form class="card" method="post" action="/resellers/{{ID}}">
<input type="hidden" name="csrf" value="{{CSRF}}">
<h2>Change</h2>
<div class="form-grid">
<div class="field">
<label for="name">Name</label>
<input id="name" name="name" value="{{NAME}}" required maxlength="200" autocomplete="off"{{#NAME_PROBLEM}} aria-invalid="true" aria-describedby="name-problem"{{/NAME_PROBLEM}}>
{{#NAME_PROBLEM}}<p class="problem" id="name-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/NAME_PROBLEM}}
</div>
<div class="field">
<label for="limit">Domains at most</label>
<input id="limit" name="limit" value="{{LIMIT}}" inputmode="numeric" placeholder="no limit"{{#LIMIT_PROBLEM}} aria-invalid="true" aria-describedby="limit-problem"{{/LIMIT_PROBLEM}}>
{{#LIMIT_PROBLEM}}<p class="problem" id="limit-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/LIMIT_PROBLEM}}
</div>
</div>
<div class="form-foot"><button class="button primary">Save</button></div>
</form>
<section class="card detail">
<div class="card-head">
{{#ON}}<div><h2>Suspend</h2><p class="muted">Nobody of this reseller can log in and its mail is refused, until you switch it on again. Nothing is deleted.</p></div>
<form method="post" action="/resellers/{{ID}}/suspend"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button">Suspend</button></form>{{/ON}}
{{#SUSPENDED}}<div><h2>Suspended</h2><p class="muted">Nobody of this reseller can log in and its mail is refused.</p></div>
<form method="post" action="/resellers/{{ID}}/resume"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button primary">Switch on again</button></form>{{/SUSPENDED}}
</div>
</section>
<section class="card danger detail">
<div class="card-head"><div><h2>Delete the reseller</h2><p class="muted">With its domains, mailboxes, mail and operators.</p></div><a class="button" href="/resellers/{{ID}}/delete">Delete…</a></div>
</section>
