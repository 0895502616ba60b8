{{%AUTOESCAPE context="HTML"}}
<div class="card narrow">
<p class="error-status">{{STATUS}}</p>
<h1>{{HEADING}}</h1>
<p>{{SENTENCE}}</p>
<p class="actions">
{{#LOGGED_IN}}<a class="button primary" href="{{HOME}}">Back to the start</a>{{/LOGGED_IN}}
{{#NOBODY}}<a class="button primary" href="/login">Log in</a>{{/NOBODY}}
</p>
</div>
