{{%AUTOESCAPE context="HTML"}}
{{>HEAD}}
<div class="toolbar">
<form class="toolbar grow" method="get" action="/domains/{{ID}}/mailboxes" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search mailboxes of this domain</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Search address or name"></div>
<button class="button">Search</button>
{{#SEARCHED}}<a class="button quiet" href="/domains/{{ID}}/mailboxes">Show all</a>{{/SEARCHED}}
</form>
<a class="button primary" href="/domains/{{ID}}/mailboxes/new"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#plus"></use></svg>New mailbox</a>
</div>
{{>LIST}}
