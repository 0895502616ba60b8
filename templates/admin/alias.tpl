{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/domains">Domains</a></li><li><a href="/domains/{{DOMAIN_ID}}/aliases">{{DOMAIN}}</a></li></ol></nav>
<header class="page-head"><h1>{{#NEW}}New alias{{/NEW}}{{#OLD}}{{LABEL}}{{/OLD}}</h1></header>
<form class="card" method="post" action="/domains/{{DOMAIN_ID}}/aliases/{{#OLD}}{{ID}}{{/OLD}}{{#NEW}}new{{/NEW}}">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="stack">
{{#NEW}}
<div class="field">
<label for="local">Address</label>
<div class="joined"><input id="local" name="local" value="{{LOCAL}}" maxlength="320" autocapitalize="none" autocomplete="off" spellcheck="false" autofocus{{#LOCAL_PROBLEM}} aria-invalid="true" aria-describedby="local-problem"{{/LOCAL_PROBLEM}}><span class="joint"><span>@{{DOMAIN}}</span></span></div>
{{#LOCAL_PROBLEM}}<p class="problem" id="local-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/LOCAL_PROBLEM}}
</div>
<label class="check"><input type="checkbox" name="catch_all" value="1"{{#CATCH_ALL}} checked{{/CATCH_ALL}}><span>Catch-all instead<small>Takes the mail for every address of the domain that nothing else matches. Expect more spam.</small></span></label>
{{/NEW}}
<div class="field">
<label for="targets">Delivers to</label>
<textarea id="targets" name="targets" rows="5" required spellcheck="false" autocapitalize="none" aria-describedby="targets-hint{{#TARGETS_PROBLEM}} targets-problem{{/TARGETS_PROBLEM}}"{{#TARGETS_PROBLEM}} aria-invalid="true"{{/TARGETS_PROBLEM}}>{{TARGETS}}</textarea>
{{#TARGETS_PROBLEM}}<p class="problem" id="targets-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/TARGETS_PROBLEM}}
<p class="hint" id="targets-hint">Whole addresses, here or elsewhere, one a line. To keep a copy in a mailbox of the same address, write that address too.</p>
</div>
</div>
<div class="form-foot"><button class="button primary">Save the alias</button><a class="button" href="/domains/{{DOMAIN_ID}}/aliases">Cancel</a>{{#OLD}}<a class="button quiet bad last" href="/domains/{{DOMAIN_ID}}/aliases/{{ID}}/delete">Delete…</a>{{/OLD}}</div>
</form>
