{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><div><h1>Retention</h1><p class="lead">How long mail stays in a folder and those below it. Where nothing else is said: in Trash {{TRASH}}, in Junk {{JUNK}}. What is removed can be brought back for {{KEPT}} days, or as many as its domain says.</p></div><div class="actions"><a class="button" href="/mailboxes/removed"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#history"></use></svg>Deleted mailboxes</a></div></header>
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr><th scope="col">Of</th><th scope="col">Folder</th><th scope="col">Mail stays</th><th scope="col"><span class="hidden">Remove</span></th></tr></thead>
<tbody>
{{#RULE}}
<tr><td>{{NAME}}</td><td data-label="Folder">{{FOLDER}}</td><td data-label="Mail stays">{{#LIMITED}}{{DAYS}} days{{/LIMITED}}{{#FOR_EVER}}for ever{{/FOR_EVER}}</td><td><form method="post" action="/retention/{{ID}}/remove"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button small" aria-label="Remove the rule for {{FOLDER}} of {{NAME}}">Remove</button></form></td></tr>
{{/RULE}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#check"></use></svg><strong>No domain and no mailbox has rules of its own</strong></div>{{/NOTHING_THERE}}
</section>
<form class="card" method="post" action="/retention">
<input type="hidden" name="csrf" value="{{CSRF}}">
<h2>Set a rule</h2>
<div class="form-grid">
<div class="field full"><label for="whose">Whose</label><input id="whose" name="whose" value="{{WHOSE}}" required maxlength="320" autocomplete="off" aria-describedby="whose-hint{{#PROBLEM}} whose-problem{{/PROBLEM}}"{{#PROBLEM}} aria-invalid="true"{{/PROBLEM}}>
{{#PROBLEM}}<p class="problem" id="whose-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
<p class="hint" id="whose-hint">A domain, or a mailbox's address, whose rule counts before its domain's.</p></div>
<div class="field"><label for="folder">Folder</label><input id="folder" name="folder" value="{{FOLDER}}" required maxlength="1000" autocomplete="off" aria-describedby="folder-hint"><p class="hint" id="folder-hint">A name; or \Trash, \Junk, \Sent: the folder with that use, whatever its name.</p></div>
<div class="field"><label for="days">Days</label><input id="days" name="days" value="{{DAYS}}" required inputmode="numeric" autocomplete="off" aria-describedby="days-hint"><p class="hint" id="days-hint">0: for ever.</p></div>
</div>
<div class="form-foot"><button class="button primary">Save the rule</button></div>
</form>
