{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><h1>Mailboxes</h1></header>
<form class="toolbar" method="get" action="/mailboxes" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search mailboxes</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Search address or name"></div>
<button class="button">Search</button>
{{#FULL}}<input type="hidden" name="full" value="1"><span class="badge warn">Nearly full</span>{{/FULL}}
{{#ALL}}<a class="button quiet" href="/mailboxes?full=1">Nearly full</a>{{/ALL}}
{{#SEARCHED}}<a class="button quiet" href="/mailboxes">Show all</a>{{/SEARCHED}}
</form>
{{>LIST}}
