{{%AUTOESCAPE context="HTML"}}
<section class="card">
<div class="card-head"><h2>Alarms</h2></div>
<table class="list">
<thead><tr><th scope="col">What</th><th scope="col">When</th><th scope="col"><span class="hidden">Seen</span></th></tr></thead>
<tbody>
{{#ALARM}}
<tr><td>{{TEXT}} {{#MAILBOX}}<a href="/mailboxes/{{ACCOUNT_ID}}/logins">Look at the mailbox</a>{{/MAILBOX}}</td><td data-label="When"><time datetime="{{AT_ISO}}">{{AT}}</time></td><td><form method="post" action="/alarms/{{ID}}/seen"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button small">Seen</button></form></td></tr>
{{/ALARM}}
</tbody>
</table>
</section>
