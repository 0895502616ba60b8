{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/resellers">Resellers</a></li></ol></nav>
<header class="page-head"><h1>New reseller</h1></header>
<form class="card" method="post" action="/resellers/new">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="form-grid">
<div class="field">
<label for="name">Name</label>
<input id="name" name="name" value="{{NAME}}" required maxlength="200" autocomplete="off"{{#NAME_PROBLEM}} aria-invalid="true" aria-describedby="name-problem"{{/NAME_PROBLEM}}>
{{#NAME_PROBLEM}}<p class="problem" id="name-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/NAME_PROBLEM}}
</div>
<div class="field">
<label for="limit">Domains at most</label>
<input id="limit" name="limit" value="{{LIMIT}}" inputmode="numeric" placeholder="no limit"{{#LIMIT_PROBLEM}} aria-invalid="true" aria-describedby="limit-problem"{{/LIMIT_PROBLEM}}>
{{#LIMIT_PROBLEM}}<p class="problem" id="limit-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/LIMIT_PROBLEM}}
</div>
</div>
<div class="form-foot"><button class="button primary">Add the reseller</button><a class="button" href="/resellers">Cancel</a></div>
</form>
