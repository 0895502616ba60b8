{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><div><h1>Incoming mail rules</h1><p class="lead">For mail that strangers bring to the relay port. A rule that only warns refuses nothing, but tells the log and the message trace. Changes take effect at once.</p></div><div class="actions"><a class="button" href="/access">Allow and deny lists</a></div></header>
<form method="post" action="/rules">
<input type="hidden" name="csrf" value="{{CSRF}}">
{{#RULE}}
<section class="card detail">
<div class="card-body stack">
<div>
<h2 id="{{NAME}}">{{TITLE}}</h2>
<p class="muted">{{EXPLANATION}}</p>
</div>
<div class="form-grid">
<div class="field">
<label for="{{FIELD}}">Mode <span class="muted mono">{{NAME}}</span></label>
<select id="{{FIELD}}" name="{{FIELD}}" aria-describedby="{{NAME}}{{#PROBLEM}} {{NAME}}-problem{{/PROBLEM}}"{{#PROBLEM}} aria-invalid="true"{{/PROBLEM}}>{{#MODE}}<option value="{{VALUE}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{LABEL}}</option>{{/MODE}}</select>
{{#PROBLEM}}<p class="problem" id="{{NAME}}-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
</div>
{{#PARAMETER}}
<div class="field{{#WIDE}} full{{/WIDE}}">
<label for="{{NAME}}">{{COMMENT}}</label>
<input id="{{NAME}}" name="{{NAME}}" value="{{VALUE}}" autocomplete="off" spellcheck="false"{{#PROBLEM}} aria-describedby="{{NAME}}-problem" aria-invalid="true"{{/PROBLEM}}>
{{#PROBLEM}}<p class="problem" id="{{NAME}}-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
</div>
{{/PARAMETER}}
</div>
</div>
</section>
{{/RULE}}
<section class="card detail">
<div class="card-body stack">
<h2>Trusted clients, limits, errors</h2>
{{#OTHER}}
<div class="field">
<label for="{{NAME}}">{{COMMENT}}</label>
<input id="{{NAME}}" name="{{NAME}}" value="{{VALUE}}" autocomplete="off" spellcheck="false"{{#PROBLEM}} aria-describedby="{{NAME}}-problem" aria-invalid="true"{{/PROBLEM}}>
{{#PROBLEM}}<p class="problem" id="{{NAME}}-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
</div>
{{/OTHER}}
</div>
</section>
<div class="form-foot"><button class="button primary">Save the rules</button></div>
</form>
