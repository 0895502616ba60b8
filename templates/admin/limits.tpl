{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><div><h1>Limits of sending</h1><p class="lead">For one mailbox, for all of a domain together, or for all of a reseller. Where nothing is said here the settings hold for each mailbox.</p></div></header>
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr><th scope="col">Of</th><th scope="col">Messages in an hour</th><th scope="col">In a day</th><th scope="col">Recipients in an hour</th><th scope="col">In a day</th><th scope="col"><span class="hidden">Remove</span></th></tr></thead>
<tbody>
{{#LIMIT}}
<tr><td>{{NAME}} {{#RESELLER}}<span class="badge">Reseller</span>{{/RESELLER}}</td><td data-label="Messages in an hour">{{MESSAGES_HOUR}}</td><td data-label="Messages in a day">{{MESSAGES_DAY}}</td><td data-label="Recipients in an hour">{{RECIPIENTS_HOUR}}</td><td data-label="Recipients in a day">{{RECIPIENTS_DAY}}</td><td><form method="post" action="/limits/{{ID}}/remove"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button small" aria-label="Remove the limits of {{NAME}}">Remove</button></form></td></tr>
{{/LIMIT}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#check"></use></svg><strong>Nothing has limits of its own</strong></div>{{/NOTHING_THERE}}
</section>
<form class="card" method="post" action="/limits">
<input type="hidden" name="csrf" value="{{CSRF}}">
<h2>Set limits</h2>
<div class="form-grid">
<div class="field full"><label for="whose">Whose</label><input id="whose" name="whose" value="{{WHOSE}}" required maxlength="320" autocomplete="off" aria-describedby="whose-hint{{#PROBLEM}} whose-problem{{/PROBLEM}}"{{#PROBLEM}} aria-invalid="true"{{/PROBLEM}}>
{{#PROBLEM}}<p class="problem" id="whose-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
<p class="hint" id="whose-hint">A mailbox's address, a domain, or a reseller's name. "none" is without limit.</p></div>
<div class="field"><label for="messages_hour">Messages in an hour</label><input id="messages_hour" name="messages_hour" value="{{MESSAGES_HOUR}}" placeholder="as the settings say" autocomplete="off"></div>
<div class="field"><label for="messages_day">Messages in a day</label><input id="messages_day" name="messages_day" value="{{MESSAGES_DAY}}" placeholder="as the settings say" autocomplete="off"></div>
<div class="field"><label for="recipients_hour">Recipients in an hour</label><input id="recipients_hour" name="recipients_hour" value="{{RECIPIENTS_HOUR}}" placeholder="as the settings say" autocomplete="off"></div>
<div class="field"><label for="recipients_day">Recipients in a day</label><input id="recipients_day" name="recipients_day" value="{{RECIPIENTS_DAY}}" placeholder="as the settings say" autocomplete="off"></div>
</div>
<div class="form-foot"><button class="button primary">Save the limits</button></div>
</form>
