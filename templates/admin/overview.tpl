{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><div><h1>Overview</h1><p class="lead">Welcome, {{NAME}}.</p></div></header>
{{#HELPDESK}}
<section class="card detail">
<div class="card-body stack">
<h2>Whose password is it?</h2>
<form class="toolbar" method="get" action="/mailboxes" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search mailboxes</label><input id="q" name="q" type="search" placeholder="Address or name" autofocus></div>
<button class="button primary">Search</button>
</form>
</div>
</section>
{{/HELPDESK}}
{{#COUNTS}}
{{#BROKEN_ZONES}}<p class="notice bad"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{COUNT}} DNS zones could not be handed to the nameservers. Look at their page for the reason.</span></p>{{/BROKEN_ZONES}}
{{#FULL_MAILBOXES}}<p class="notice warn"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#mailbox"></use></svg><span>Mailboxes that are nearly full: {{COUNT}}. Their owners were told by mail. <a href="/mailboxes?full=1">Show them</a></span></p>{{/FULL_MAILBOXES}}
<div class="tiles">
<a class="tile" href="/domains"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#globe"></use></svg><strong>{{DOMAINS}}</strong><span>Domains</span></a>
<a class="tile" href="/mailboxes"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#mailbox"></use></svg><strong>{{MAILBOXES}}</strong><span>Mailboxes</span></a>
<div class="tile"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#forward"></use></svg><strong>{{ALIASES}}</strong><span>Aliases</span></div>
{{#QUEUE}}<a class="tile" href="/queue"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#queue"></use></svg><strong>{{WAITING}}</strong><span>In the queue</span></a>{{/QUEUE}}
</div>
{{/COUNTS}}
{{>ALARMS}}
{{#LATEST}}
<section class="card">
<div class="card-head"><h2>Latest changes</h2><a class="button quiet small" href="/audit">Audit log</a></div>
{{>ENTRIES}}
</section>
{{/LATEST}}
