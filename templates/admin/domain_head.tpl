{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/domains">Domains</a></li>{{#TENANT}}<li><a href="/domains?reseller={{ID}}">{{NAME}}</a></li>{{/TENANT}}</ol></nav>
<header class="page-head">
<div>
<h1>{{DOMAIN}}
{{#OFF}}<span class="badge bad">Switched off</span>{{/OFF}}
{{#IS_ALIAS}}<span class="badge info">stands for {{TARGET}}</span>{{/IS_ALIAS}}
{{#IS_RELAY}}<span class="badge info">relayed to {{TARGET}}</span>{{/IS_RELAY}}
</h1>
{{#ASCII}}<p class="lead mono">{{NAME}}</p>{{/ASCII}}
</div>
</header>
<nav class="tabs" aria-label="Parts of the domain">
{{#TAB}}
<a href="{{HREF}}"{{#CURRENT}} aria-current="page"{{/CURRENT}}>{{LABEL}}{{#COUNTED}}<span class="count">{{COUNT}}</span>{{/COUNTED}}</a>
{{/TAB}}
</nav>
