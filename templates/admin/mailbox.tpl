{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs">
{{#MANAGER}}<li><a href="/domains">Domains</a></li><li><a href="/domains/{{DOMAIN_ID}}/mailboxes">{{DOMAIN}}</a></li>{{/MANAGER}}
{{#HELPDESK}}<li><a href="/mailboxes">Mailboxes</a></li>{{/HELPDESK}}
</ol></nav>
<header class="page-head">
<h1>{{ADDRESS}} {{#OFF}}<span class="badge bad">Switched off</span>{{/OFF}}{{#BLOCKED}}<span class="badge bad">Can't send</span>{{/BLOCKED}}{{#DOMAIN_OFF}}<span class="badge warn">Domain switched off</span>{{/DOMAIN_OFF}}</h1>
<div class="actions"><a class="button" href="/mailboxes/{{ID}}/removed"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#history"></use></svg>Removed mail</a><a class="button" href="/trace?q={{MAIL}}"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg>Trace its mail</a><a class="button" href="/mailboxes/{{ID}}/logins"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#settings"></use></svg>Logins and sending</a><a class="button" href="/mailboxes/{{ID}}/sharing"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#people"></use></svg>Sharing</a><a class="button" href="/mailboxes/{{ID}}/password"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#key"></use></svg>New password</a></div>
</header>
<section class="card detail">
<div class="card-body">
<dl class="facts">
<dt>Person</dt><dd>{{NAME}}</dd>
<dt>Mail</dt><dd>{{MESSAGES}}{{#NUMBERED}} of {{MOST}}{{/NUMBERED}} messages, {{USED}} {{#LIMITED}}of {{QUOTA}}{{/LIMITED}}</dd>
{{#HAS_ALIASES}}<dt>Also reached as</dt><dd>{{#ALIAS}}{{#LINK}}<a href="/domains/{{DOMAIN_ID}}/aliases/{{ID}}">{{ADDRESS}}</a> {{/LINK}}{{#TEXT}}{{ADDRESS}} {{/TEXT}}{{/ALIAS}}</dd>{{/HAS_ALIASES}}
<dt>Here since</dt><dd><time datetime="{{CREATED_ISO}}">{{CREATED}}</time></dd>
</dl>
</div>
</section>
{{#CHANGE}}
<form class="card" method="post" action="/mailboxes/{{ID}}">
<input type="hidden" name="csrf" value="{{CSRF}}">
<h2>Change</h2>
<div class="form-grid">
<div class="field">
<label for="name">Name of the person</label>
<input id="name" name="name" value="{{NAME}}" maxlength="200" autocomplete="off"{{#NAME_PROBLEM}} aria-invalid="true" aria-describedby="name-problem"{{/NAME_PROBLEM}}>
{{#NAME_PROBLEM}}<p class="problem" id="name-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/NAME_PROBLEM}}
</div>
<div class="field">
<label for="quota">Space for mail</label>
<input id="quota" name="quota" value="{{QUOTA}}" placeholder="no limit" aria-describedby="quota-hint{{#QUOTA_PROBLEM}} quota-problem{{/QUOTA_PROBLEM}}"{{#QUOTA_PROBLEM}} aria-invalid="true"{{/QUOTA_PROBLEM}}>
{{#QUOTA_PROBLEM}}<p class="problem" id="quota-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/QUOTA_PROBLEM}}
<p class="hint" id="quota-hint">Such as 500 MB or 2 GB. Empty: no limit.</p>
</div>
<div class="field">
<label for="quota_messages">Number of messages</label>
<input id="quota_messages" name="quota_messages" value="{{QUOTA_MESSAGES}}" inputmode="numeric" placeholder="no limit" autocomplete="off" aria-describedby="number-hint{{#NUMBER_PROBLEM}} quota_messages-problem{{/NUMBER_PROBLEM}}"{{#NUMBER_PROBLEM}} aria-invalid="true"{{/NUMBER_PROBLEM}}>
{{#NUMBER_PROBLEM}}<p class="problem" id="quota_messages-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/NUMBER_PROBLEM}}
<p class="hint" id="number-hint">How many it may hold. Empty: any number.</p>
</div>
<label class="check full"><input type="checkbox" name="active" value="1"{{#ACTIVE}} checked{{/ACTIVE}}><span>Switched on<small>Off: the login stops working and mail is refused. Nothing is deleted.</small></span></label>
{{>PROTOCOLS}}
</div>
<div class="form-foot"><button class="button primary">Save</button></div>
</form>
<section class="card danger detail">
<div class="card-head"><div><h2>Delete the mailbox</h2><p class="muted">With all its mail. It can be brought back for a while.</p></div><a class="button" href="/mailboxes/{{ID}}/delete">Delete…</a></div>
</section>
{{/CHANGE}}
