{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/filters">Filters</a></li></ol></nav>
<header class="page-head"><h1>{{#NEW}}New filter{{/NEW}}{{#OLD}}{{FILTER}}{{/OLD}}</h1></header>
{{#PROBLEM}}<p class="notice bad" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
{{#FINDING}}<p class="notice good" role="status"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#check"></use></svg><span>It answers: {{TEXT}}</span></p>{{/FINDING}}
{{#NO_FINDING}}<p class="notice bad" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/NO_FINDING}}
<form class="card" method="post" action="{{ACTION}}">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="form-grid">
<div class="field">
<label for="name">Name</label>
<input id="name" name="name" value="{{NAME}}" required maxlength="40" autocapitalize="none" autocomplete="off" spellcheck="false" aria-describedby="name-hint">
<p class="hint" id="name-hint">A word like spam or clamav: the log and refusals call it so.</p>
</div>
<div class="field">
<label for="kind">Kind</label>
<select id="kind" name="kind">{{#KIND}}<option value="{{VALUE}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{LABEL}}</option>{{/KIND}}</select>
</div>
<div class="field full">
<label for="endpoint">Where it listens</label>
<input id="endpoint" name="endpoint" value="{{ENDPOINT}}" required maxlength="2000" class="mono" autocapitalize="none" autocomplete="off" spellcheck="false" aria-describedby="endpoint-hint">
<div class="hint" id="endpoint-hint">
<p data-when="kind=milter policy clamd"><span class="mono">inet:127.0.0.1:8891</span> or <span class="mono">unix:/run/filter/socket</span></p>
<p data-when="kind=rspamd">Its normal worker: <span class="mono">http://127.0.0.1:11333</span>. Of several, separated by blanks, the first that answers is asked.</p>
</div>
</div>
<div class="field">
<label for="mode">Mode</label>
<select id="mode" name="mode">{{#MODE}}<option value="{{VALUE}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{LABEL}}</option>{{/MODE}}</select>
</div>
<div class="field">
<label for="on_failure">When it can't be asked</label>
<select id="on_failure" name="on_failure">{{#FAILURE}}<option value="{{VALUE}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{LABEL}}</option>{{/FAILURE}}</select>
</div>
<div class="field" data-when="kind=rspamd clamd">
<label for="found">What it finds</label>
<select id="found" name="found">{{#FOUND}}<option value="{{VALUE}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{LABEL}}</option>{{/FOUND}}</select>
</div>
<div class="field">
<label for="place">Place in the order</label>
<input id="place" name="place" value="{{PLACE}}" inputmode="numeric" required>
</div>
<fieldset class="full">
<legend>Asked for</legend>
{{#SERVICE}}<label class="check"><input type="checkbox" name="service-{{VALUE}}" value="1"{{#CHOSEN}} checked{{/CHOSEN}}><span>{{LABEL}}</span></label>{{/SERVICE}}
</fieldset>
<fieldset class="full" data-when="kind=policy">
<legend>Asked when</legend>
{{#STAGE}}<label class="check"><input type="checkbox" name="stage-{{VALUE}}" value="1"{{#CHOSEN}} checked{{/CHOSEN}}><span>{{LABEL}}</span></label>{{/STAGE}}
</fieldset>
<div class="field" data-when="kind=policy">
<label for="context">Policy context</label>
<input id="context" name="context" value="{{CONTEXT}}" maxlength="200" autocomplete="off" spellcheck="false" aria-describedby="context-hint">
<p class="hint" id="context-hint">What the server is told as policy_context; mostly empty.</p>
</div>
<div class="field" data-when="kind=milter rspamd clamd">
<label for="max_size">Largest message it gets</label>
<input id="max_size" name="max_size" value="{{MAX_SIZE}}" placeholder="no limit" aria-describedby="max_size-hint">
<p class="hint" id="max_size-hint">Like 10M; larger ones are taken without it.</p>
</div>
<div class="field">
<label for="connect_timeout">Seconds to connect</label>
<input id="connect_timeout" name="connect_timeout" value="{{CONNECT_TIMEOUT}}" inputmode="numeric" required>
</div>
<div class="field">
<label for="command_timeout">Seconds for an answer</label>
<input id="command_timeout" name="command_timeout" value="{{COMMAND_TIMEOUT}}" inputmode="numeric" required>
</div>
<div class="field">
<label for="content_timeout">Seconds for the message</label>
<input id="content_timeout" name="content_timeout" value="{{CONTENT_TIMEOUT}}" inputmode="numeric" required>
</div>
</div>
<div class="form-foot"><button class="button primary">{{#NEW}}Attach the filter{{/NEW}}{{#OLD}}Save{{/OLD}}</button><a class="button" href="/filters">Cancel</a></div>
</form>
{{#OLD}}
<section class="card detail">
<div class="card-head"><div><h2>Test</h2><p class="muted">Connects to it as it is saved, and says what is there. No mail is sent.</p></div>
<form method="post" action="/filters/{{ID}}/test"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button">Test the connection</button></form></div>
</section>
<section class="card danger detail">
<div class="card-head"><div><h2>Remove the filter</h2><p class="muted">Mail is taken without it then.</p></div><a class="button" href="/filters/{{ID}}/delete">Remove…</a></div>
</section>
{{/OLD}}
