{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><div><h1>Settings</h1><p class="lead">They hold for the whole installation and take effect at once.</p></div><div class="actions"><a class="button" href="/settings/senders">Senders that are not proved</a></div></header>
<form class="card" method="post" action="/settings">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="stack">
{{#GROUP}}
<h2>{{PREFIX}}</h2>
{{#SETTING}}
<div class="field">
<label for="{{NAME}}">{{COMMENT}}</label>
{{#LINE}}<input id="{{NAME}}" name="{{NAME}}" value="{{VALUE}}" autocomplete="off" spellcheck="false" aria-describedby="{{NAME}}-name{{#PROBLEM}} {{NAME}}-problem{{/PROBLEM}}"{{#PROBLEM}} aria-invalid="true"{{/PROBLEM}}>{{/LINE}}{{#LETTER}}<textarea id="{{NAME}}" name="{{NAME}}" rows="6" maxlength="4000" aria-describedby="{{NAME}}-name{{#PROBLEM}} {{NAME}}-problem{{/PROBLEM}}"{{#PROBLEM}} aria-invalid="true"{{/PROBLEM}}>
{{VALUE:p}}</textarea>{{/LETTER}}
{{#PROBLEM}}<p class="problem" id="{{NAME}}-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/PROBLEM}}
<p class="hint mono" id="{{NAME}}-name">{{NAME}}</p>
</div>
{{/SETTING}}
{{/GROUP}}
</div>
<div class="form-foot"><button class="button primary">Save</button></div>
</form>
