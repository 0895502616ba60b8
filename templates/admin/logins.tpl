{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/mailboxes">Mailboxes</a></li><li><a href="/mailboxes/{{ACCOUNT_ID}}">{{ADDRESS}}</a></li></ol></nav>
<header class="page-head"><div><h1>Logins and sending</h1><p class="lead">of <strong>{{ADDRESS}}</strong></p></div></header>
{{#BLOCKED}}<p class="notice bad"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>Its sending is switched off: {{WHY}}. Give it a new password before it sends again.</span></p>{{/BLOCKED}}
{{#LIMIT_PROBLEM}}<p class="notice bad" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/LIMIT_PROBLEM}}
<section class="card detail">
<div class="card-head"><div><h2>App passwords and tokens</h2><p class="muted">{{#ONLY}}Mail programs can log in with these alone.{{/ONLY}} The person makes them in the webmail, at Account.</p></div></div>
{{>LIST}}
</section>
<section class="card detail">
<div class="card-head"><div><h2>Sends as</h2><p class="muted">Addresses beside its own and its aliases that it may send under.</p></div></div>
<table class="list">
<thead><tr><th scope="col">Address</th><th scope="col"><span class="hidden">Remove</span></th></tr></thead>
<tbody>
{{#SEND_AS}}<tr><td>{{ADDRESS}}</td><td>{{#REMOVE}}<form method="post" action="/mailboxes/{{ACCOUNT_ID}}/logins/send-as/{{ID}}/remove"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button small" aria-label="Remove {{ADDRESS}}">Remove</button></form>{{/REMOVE}}</td></tr>{{/SEND_AS}}
</tbody>
</table>
{{#CHANGE}}
<form class="card-body" method="post" action="/mailboxes/{{ACCOUNT_ID}}/logins/send-as">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="field">
<label for="address">One more address</label>
<div class="joined"><input id="address" name="address" required maxlength="320" autocomplete="off" aria-describedby="address-hint{{#ADDRESS_PROBLEM}} address-problem{{/ADDRESS_PROBLEM}}"{{#ADDRESS_PROBLEM}} aria-invalid="true"{{/ADDRESS_PROBLEM}}><button class="button">Allow</button></div>
<p class="hint" id="address-hint">@example.org stands for each address of a domain.</p>
</div>
</form>
{{/CHANGE}}
{{#ADDRESS_PROBLEM}}<p class="problem" id="address-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/ADDRESS_PROBLEM}}
</section>
<section class="card detail">
<div class="card-head"><div><h2>How much it sends</h2><p class="muted">An hour and a day begin with their first message.</p></div></div>
<table class="list">
<thead><tr><th scope="col">Counted</th><th scope="col">So far</th><th scope="col">Limit</th></tr></thead>
<tbody>
<tr><td>Messages in an hour</td><td data-label="So far">{{SENT_MESSAGES_HOUR}}</td><td data-label="Limit">{{MESSAGES_HOUR}}</td></tr>
<tr><td>Messages in a day</td><td data-label="So far">{{SENT_MESSAGES_DAY}}</td><td data-label="Limit">{{MESSAGES_DAY}}</td></tr>
<tr><td>Recipients in an hour</td><td data-label="So far">{{SENT_RECIPIENTS_HOUR}}</td><td data-label="Limit">{{RECIPIENTS_HOUR}}</td></tr>
<tr><td>Recipients in a day</td><td data-label="So far">{{SENT_RECIPIENTS_DAY}}</td><td data-label="Limit">{{RECIPIENTS_DAY}}</td></tr>
</tbody>
</table>
</section>
{{#CHANGE}}
<form class="card" method="post" action="/mailboxes/{{ACCOUNT_ID}}/logins/limits">
<input type="hidden" name="csrf" value="{{CSRF}}">
<h2>Limits of its own</h2>
<div class="form-grid">
<div class="field"><label for="messages_hour">Messages in an hour</label><input id="messages_hour" name="messages_hour" value="{{MESSAGES_HOUR}}" placeholder="as the settings say" autocomplete="off"></div>
<div class="field"><label for="messages_day">Messages in a day</label><input id="messages_day" name="messages_day" value="{{MESSAGES_DAY}}" placeholder="as the settings say" autocomplete="off"></div>
<div class="field"><label for="recipients_hour">Recipients in an hour</label><input id="recipients_hour" name="recipients_hour" value="{{RECIPIENTS_HOUR}}" placeholder="as the settings say" autocomplete="off"></div>
<div class="field"><label for="recipients_day">Recipients in a day</label><input id="recipients_day" name="recipients_day" value="{{RECIPIENTS_DAY}}" placeholder="as the settings say" autocomplete="off"></div>
</div>
<div class="form-foot"><button class="button primary">Save the limits</button></div>
</form>
<section class="card danger detail">
<div class="card-head"><div><h2>{{#IS_ALLOWED}}Switch its sending off{{/IS_ALLOWED}}{{#IS_BLOCKED}}Let it send again{{/IS_BLOCKED}}</h2><p class="muted">Reading mail goes on in any case.</p></div><form method="post" action="/mailboxes/{{ACCOUNT_ID}}/logins/block"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button">{{#IS_ALLOWED}}Switch off{{/IS_ALLOWED}}{{#IS_BLOCKED}}Switch on{{/IS_BLOCKED}}</button></form></div>
</section>
{{/CHANGE}}
