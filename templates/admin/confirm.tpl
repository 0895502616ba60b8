{{%AUTOESCAPE context="HTML"}}
<form class="card danger" method="post" action="{{ACTION}}">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="stack">
<h1>{{QUESTION}}</h1>
<p><strong>{{OBJECT}}</strong></p>
<p>What goes, and what it means:</p>
<ul class="consequences">
{{#CONSEQUENCE}}
<li>{{TEXT}}</li>
{{/CONSEQUENCE}}
</ul>
{{#TYPED}}
<div class="field">
<label for="typed">Type <span class="mono">{{TEXT}}</span> to confirm</label>
<input id="typed" name="typed" autocomplete="off" autocapitalize="none" spellcheck="false" required autofocus{{#WRONG}} aria-invalid="true" aria-describedby="typed-problem"{{/WRONG}}>
{{#WRONG}}<p class="problem" id="typed-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>That is not the same text, so nothing was deleted.</span></p>{{/WRONG}}
</div>
{{/TYPED}}
</div>
<div class="form-foot">
<button class="button destroy">{{BUTTON}}</button>
<a class="button" href="{{CANCEL}}">Cancel</a>
</div>
</form>
