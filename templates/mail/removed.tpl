{{%AUTOESCAPE context="HTML"}}
<div class="mail-bar"><h1>Recover deleted mail</h1></div>
<div class="mail-sheet mail-removed">
<p class="hint">Mail that you deleted for good is kept for {{DAYS}} days. What you bring back goes to the folder where it was.</p>
{{#PROBLEM}}
<p class="notice bad" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>
{{/PROBLEM}}
<form class="mail-new-folder" method="get" action="/mail/removed">
<label class="field"><span class="label">Subject or sender</span><input name="q" type="search" value="{{FIND}}" maxlength="200"></label>
<button class="button">Search</button>
</form>
{{#ROWS}}
<form method="post" action="/mail/removed">
<input type="hidden" name="csrf" value="{{CSRF}}">
<input type="hidden" name="q" value="{{FIND}}">
<ul class="mail-removed-list">
{{#MESSAGE}}
<li><label><input type="checkbox" name="key" value="{{KEY}}"><span class="mail-removed-what"><strong>{{SUBJECT}}</strong><span>{{FROM}}</span><small>From {{FOLDER}}, deleted <time datetime="{{REMOVED_ISO}}">{{REMOVED}}</time>, kept until <time datetime="{{UNTIL_ISO}}">{{UNTIL}}</time></small></span></label></li>
{{/MESSAGE}}
</ul>
{{#MORE}}<p class="hint">These are the newest; search for others.</p>{{/MORE}}
<footer class="mail-foot"><button class="button primary">Bring the chosen ones back</button></footer>
</form>
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>No deleted mail has this in it</strong></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#check"></use></svg><strong>There is nothing to bring back</strong></div>{{/NOTHING_THERE}}
</div>
